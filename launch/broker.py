"""Asks a broker that was given what it is. Imports redis: it runs inside `.venv`."""

import redis

QUICKLY = 3  # seconds


def version(url: str) -> str | None:
    """ "Valkey 9.1.2" or "Redis 7.0.15"; None when it does not answer."""
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=QUICKLY, socket_timeout=QUICKLY) as client:
            told = client.info("server")
    except (redis.RedisError, OSError, ValueError):
        return None
    if "valkey_version" in told:
        return f"Valkey {told['valkey_version']}"
    return f"Redis {told.get('redis_version', 'of unknown version')}"
