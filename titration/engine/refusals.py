"""How the engine says no."""

from common.refusals import Refused


class EngineRefusal(Refused):
    """A protocol, a course or a quantity that cannot be. The sentence names what is wrong, never whose it is."""
