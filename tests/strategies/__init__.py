"""Hypothesis strategies for the pure part: what properties are asked of."""
