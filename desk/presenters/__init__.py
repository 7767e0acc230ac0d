"""Rows and advice in words for a page: frozen values, no queries."""
