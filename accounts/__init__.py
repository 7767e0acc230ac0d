"""Clinics, the people who work in them, their permissions, and the decorator that opens every page."""
