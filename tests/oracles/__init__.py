"""Slow, obvious second opinions on fast code. They share no line with what they judge."""
