"""Deeds of titration. Each locks, asks the engine and the policy, writes, and leaves its trace, or does nothing."""
