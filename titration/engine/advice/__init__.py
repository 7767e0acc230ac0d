"""The clinic's rules (clinical facts 6, read through 6.1): what they look at, what they find, and what that closes.

Pure: a case in, findings out. The words, tiers, thresholds and sources of every rule stand in `titration/rules.toml`.
"""
