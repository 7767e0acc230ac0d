"""Prescriptions and the arithmetic of a climbing dose. The rules stand in `engine`, which knows no Django."""
