"""The cache in the broker, and in this process's own memory while the broker is away."""

from typing import Any

from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError


class SteadyCache(RedisCache):
    """Holds the counts of sign-in tries, so it must answer: a broker that is down must not lock the clinic out.

    Meanwhile each process counts for itself, which lets through a few tries more and never all of them.
    """

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._meanwhile = LocMemCache("meanwhile", {})

    def add(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask("add", *args, **kwargs)

    def get(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask("get", *args, **kwargs)

    def set(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask("set", *args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask("delete", *args, **kwargs)

    def _ask(self, deed: str, *args: Any, **kwargs: Any) -> Any:
        try:
            return getattr(super(), deed)(*args, **kwargs)
        except RedisError:
            return getattr(self._meanwhile, deed)(*args, **kwargs)
