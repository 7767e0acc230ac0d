"""Text messages through a gateway on the web: one message, one request, in the steps that matter to who must know.

Off unless `SMS_GATEWAY_URL` is set. The gateway is sent JSON (`to`, `from`, `text`, `reference`) with a bearer token,
and `reference` again as Idempotency-Key, so that one that knows it takes no message twice.
"""

import http.client
import json
import ssl
from urllib.parse import urlsplit

from django.conf import settings

from reminders import pace
from reminders.channels.email import Never, NoReply, NotNow, Unreachable

REFUSED_FOR_NOW = {429, 503}
LOOPBACK = {"127.0.0.1", "localhost", "::1"}


def configured() -> bool:
    """Whether a gateway is set up: over TLS, or on this machine."""
    address = urlsplit(settings.SMS_GATEWAY_URL)
    return address.scheme == "https" or (address.scheme == "http" and address.hostname in LOOPBACK)


def hand_over(*, to: str, text: str, reference: str) -> None:
    """Send one message. Returns when the gateway took it.

    Raises `Unreachable` where nothing was sent, `NotNow` and `Never` where it was certainly refused, `NoReply` where
    nobody can know.
    """
    address = urlsplit(settings.SMS_GATEWAY_URL)
    line = _line(address.scheme, address.hostname or "", address.port)
    body = json.dumps({"to": to, "from": settings.SMS_GATEWAY_FROM, "text": text, "reference": reference})
    headers = {
        "Content-Type": "application/json",
        "Authorization": f"Bearer {settings.SMS_GATEWAY_TOKEN}",
        "Idempotency-Key": reference,
    }
    try:
        line.connect()
    except OSError as error:
        raise Unreachable(type(error).__name__) from error
    try:
        if line.sock is not None:
            line.sock.settimeout(pace.COMMAND_SECONDS)
        line.request("POST", address.path or "/", body, headers)
        answer = line.getresponse()
        answer.read(1000)
    except (OSError, http.client.HTTPException) as error:
        raise NoReply(type(error).__name__) from error
    finally:
        line.close()
    _judge(answer.status)


def _line(scheme: str, host: str, port: int | None) -> http.client.HTTPConnection:
    if scheme == "https":
        return http.client.HTTPSConnection(
            host, port, timeout=pace.CONNECT_SECONDS, context=ssl.create_default_context()
        )
    return http.client.HTTPConnection(host, port, timeout=pace.CONNECT_SECONDS)


def _judge(status: int) -> None:
    if 200 <= status < 300:
        return
    if status in REFUSED_FOR_NOW:
        raise NotNow(f"HTTP {status}")
    if 400 <= status < 500:
        raise Never(f"HTTP {status}", address=False)
    # A redirect we do not follow took nothing; an inner fault may have happened before or after it was taken.
    if 300 <= status < 400:
        raise Never(f"HTTP {status}", address=False)
    raise NoReply(f"HTTP {status}")
