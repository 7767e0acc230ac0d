"""Rows to aligned nights to a chart's description to SVG. Pure: no Django, no clock, no files."""
