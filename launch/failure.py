"""The one exception that ends a command with a sentence."""


class Failure(Exception):
    """Ends the command: its text is one clear sentence for standard error, the exit code is 2."""
