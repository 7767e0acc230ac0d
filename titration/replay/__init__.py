"""A course in a file: read, run and told without a database, and written from a course. See `docs/replay.md`."""
