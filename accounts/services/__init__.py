"""Deeds about people who work in a clinic: one module a noun."""
