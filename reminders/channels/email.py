"""One conversation with the mail server, in the steps that matter to who must know what was taken.

Until `hand_over` nothing has left the machine and everything may be done again. From then on only a reply tells; a lost
reply leaves the outcome unknown, and no client can do better (RFC 1047).
"""

import re
import smtplib
import ssl
from contextlib import suppress
from types import TracebackType
from typing import Self

from django.conf import settings
from django.core.mail.utils import DNS_NAME

from common.faultpoint import faultpoint
from reminders import pace

_LEADING_DOT = re.compile(rb"(?m)^\.")


class Unreachable(Exception):
    """The server does not answer, or wants nothing from us at all: no message's fault."""


class NotNow(Exception):
    """The server refused this message for the time being, and took nothing."""


class Never(Exception):
    """The server refused this message for good, and took nothing. `address`: because of its recipient."""

    def __init__(self, said: str, *, address: bool) -> None:
        super().__init__(said)
        self.address = address


class NoReply(Exception):
    """The message was handed over and what became of it was never said."""


class Conversation:
    """A connection opened when first needed and used again for every message of a round."""

    def __init__(self) -> None:
        self._server: smtplib.SMTP | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hang_up(politely=True)

    def offer(self, *, sender: str, recipient: str) -> None:
        """Name sender and recipient. Returns when the server would take a message for them."""
        fresh = self._server is None
        try:
            self._envelope(self._open(), sender, recipient)
        except OSError as error:
            self._hang_up()
            if fresh:
                raise Unreachable(type(error).__name__) from error
            # A connection kept from the last message may have been closed meanwhile: that says nothing yet.
            self.offer(sender=sender, recipient=recipient)

    def withdraw(self) -> None:
        """Forget the message that was offered; the connection stays."""
        if self._server is not None:
            try:
                self._server.rset()
            except OSError:
                self._hang_up()

    def hand_over(self, message: bytes) -> None:
        """Send the message that was offered. Returns when the server took it; raises `NoReply` if nobody can know."""
        server = self._open()
        try:
            code, _ = server.docmd("DATA")
        except OSError as error:
            # Not a byte of the message has been sent yet, so this is certain.
            self._hang_up()
            raise NotNow(type(error).__name__) from error
        self._judge(code, good=code == 354)
        try:
            _wait_at_most(server, pace.FINAL_REPLY_SECONDS)
            server.send(_LEADING_DOT.sub(b"..", message) + b".\r\n")
            faultpoint("after_data")
            code, _ = server.getreply()
            _wait_at_most(server, pace.COMMAND_SECONDS)
        except OSError as error:
            self._hang_up()
            raise NoReply(type(error).__name__) from error
        if not (200 <= code < 300 or 400 <= code < 600):
            self._hang_up()
            raise NoReply("garbled")
        self._judge(code, good=code < 300)

    def _open(self) -> smtplib.SMTP:
        if self._server is None:
            self._server = _greeted()
        return self._server

    def _envelope(self, server: smtplib.SMTP, sender: str, recipient: str) -> None:
        code, _ = server.mail(sender)
        if code >= 500:
            # Our own address is not welcome: a matter between us and the server, not of this message.
            self._hang_up()
            raise Unreachable(f"SMTP {code}")
        self._judge(code, good=code == 250)
        code, _ = server.rcpt(recipient)
        self._judge(code, good=code in (250, 251), about_address=True)

    def _judge(self, code: int, *, good: bool, about_address: bool = False) -> None:
        """Turn a reply that is not the one hoped for into what it means for the message."""
        if good:
            return
        if code == 421:
            self._hang_up()
            raise Unreachable("SMTP 421")
        self.withdraw()
        if 500 <= code < 600:
            raise Never(f"SMTP {code}", address=about_address)
        raise NotNow(f"SMTP {code}")

    def _hang_up(self, *, politely: bool = False) -> None:
        server, self._server = self._server, None
        if server is None:
            return
        with suppress(OSError):
            if politely:
                server.quit()
        server.close()


def _greeted() -> smtplib.SMTP:
    """A connection that has said hello, under TLS and signed in where the settings ask for it: never without."""
    where = {"host": settings.EMAIL_HOST, "port": settings.EMAIL_PORT, "local_hostname": DNS_NAME.get_fqdn()}
    if settings.EMAIL_USE_SSL:
        server = smtplib.SMTP_SSL(**where, timeout=pace.CONNECT_SECONDS, context=ssl.create_default_context())
    else:
        server = smtplib.SMTP(**where, timeout=pace.CONNECT_SECONDS)
    try:
        _wait_at_most(server, pace.COMMAND_SECONDS)
        server.ehlo_or_helo_if_needed()
        if settings.EMAIL_USE_TLS:
            server.starttls(context=ssl.create_default_context())
            server.ehlo_or_helo_if_needed()
        if settings.EMAIL_HOST_USER:
            server.login(settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD)
    except BaseException:
        server.close()
        raise
    return server


def _wait_at_most(server: smtplib.SMTP, seconds: float) -> None:
    if server.sock is not None:
        server.sock.settimeout(seconds)
