"""The house of the guards, for the attacks on it."""

from tests.guards.conftest import house

__all__ = ["house"]
