"""Builds the environment and runs the servers. Knows nothing of the application but its commands' names."""
