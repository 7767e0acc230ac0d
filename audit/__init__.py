"""Append-only memory: everyone writes to it, it names no one above it."""
