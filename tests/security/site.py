"""The whole site without a server: one request on this thread's own connection, as a worker of the web makes it."""

from collections.abc import Callable
from io import BytesIO

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler

Knock = Callable[[str, str], tuple[int, bytes]]


def knocker() -> Knock:
    """Ask for a path with a session's key (or none); the status and the whole answer.

    Not Django's test client: that one is made blind for its requests, and keeps connections open by itself.
    """
    handler = WSGIHandler()

    def knock(path: str, session: str) -> tuple[int, bytes]:
        told: list[str] = []
        environ = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": path,
            "HTTP_COOKIE": f"{settings.SESSION_COOKIE_NAME}={session}" if session else "",
            "REMOTE_ADDR": "127.0.0.1",
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "8000",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(),
        }
        response = handler(environ, lambda status, _headers: told.append(status))
        try:
            body = b"".join(response)
        finally:
            response.close()
        return int(told[0].split()[0]), body

    return knock
