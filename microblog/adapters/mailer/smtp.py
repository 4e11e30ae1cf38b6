"""Letters to a mail server: RFC 5321, over connections that are kept for the next letter.

A refusal with a 5xx code of the sender, the recipient or the content is the letter's end. One of
ourselves (greeting, certificate, login) is the operator's to mend, and the letter waits for that.
"""

import asyncio
import socket
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP as ON_THE_WIRE

from aiosmtplib import (
    SMTP,
    SMTPDataError,
    SMTPException,
    SMTPRecipientRefused,
    SMTPResponseException,
    SMTPSenderRefused,
)

from microblog.adapters.mailer.promise import NotSent, Refused, Unreachable
from microblog.settings import Mail

_STAGE_SECONDS = 10.0
_WHOLE_SECONDS = 30.0
_IDLE_SECONDS = 30.0
_LAST_MOMENT_SECONDS = 2.0
# A letter with an attachment takes longer, over a slow line: bytes in a second.
_SLOWEST_LINE = 50_000
_CLOSING = 421
# "Authentication required", "too weak", "invalid", "encryption required": RFC 4954, 6.
_ABOUT_US = frozenset({530, 534, 535, 538})


@dataclass(frozen=True, slots=True)
class _Envelope:
    sender: str
    recipient: str
    content: bytes

    @property
    def is_international(self) -> bool:
        """Whether an address has letters that plain SMTP cannot carry (RFC 6531)."""
        return not (self.sender + self.recipient).isascii()

    @property
    def extra_seconds(self) -> float:
        """How much longer than a short letter this one may take."""
        return len(self.content) / _SLOWEST_LINE


class SMTPMailer:
    """At most ``connections`` at once, each used for one letter after the other."""

    def __init__(
        self,
        settings: Mail,
        *,
        tls: ssl.SSLContext | None = None,
        connections: int = 4,
        idle_seconds: float = _IDLE_SECONDS,
        stage_seconds: float = _STAGE_SECONDS,
    ) -> None:
        """Take the settings; ``tls`` replaces the system's idea of whose certificates are good."""
        self._settings = settings
        self._tls = tls
        self._idle_seconds = idle_seconds
        self._stage_seconds = stage_seconds
        self._places = asyncio.Semaphore(connections)
        self._idle: dict[SMTP, asyncio.TimerHandle] = {}

    async def send(self, message: EmailMessage) -> None:
        """Hand over one letter; see :class:`microblog.adapters.mailer.Mailer`."""
        # Off the loop, as it may have an attachment of megabytes.
        envelope = await asyncio.to_thread(_envelope, message)
        try:
            async with self._places, asyncio.timeout(_WHOLE_SECONDS + envelope.extra_seconds):
                await self._send(envelope)
        except SMTPResponseException as error:
            raise _judged(error) from error
        except TimeoutError as error:
            raise Unreachable(f"the mail server is too slow: {error}".rstrip(": ")) from error
        except (SMTPException, OSError) as error:
            raise Unreachable(str(error) or type(error).__name__) from error

    async def close(self) -> None:
        """Hang up."""
        for connection, timer in self._idle.items():
            timer.cancel()
            connection.close()
        self._idle.clear()

    async def _send(self, envelope: _Envelope) -> None:
        connection = await self._connection()
        try:
            await _hand_over(connection, envelope, self._stage_seconds + envelope.extra_seconds)
        except SMTPResponseException as error:
            # The conversation is still in step; the next letter begins with a reset.
            self._keep(connection, usable=error.code != _CLOSING)
            raise
        except ValueError as error:
            # Characters that would change the meaning of an SMTP command.
            connection.close()
            raise Refused(str(error)) from error
        except BaseException:
            connection.close()
            raise
        self._keep(connection)

    async def _connection(self) -> SMTP:
        while self._idle:
            connection, timer = self._idle.popitem()
            timer.cancel()
            if await _is_alive(connection):
                return connection
        connection = self._new_connection()
        await connection.connect()
        return connection

    def _new_connection(self) -> SMTP:
        settings = self._settings
        return SMTP(
            hostname=settings.server,
            port=settings.port,
            use_tls=settings.use_ssl,
            start_tls=settings.use_tls and not settings.use_ssl,
            username=settings.username or None,
            password=settings.password or None,
            timeout=self._stage_seconds,
            tls_context=self._tls,
            # Asking the resolver for a longer name could take longer than the letter.
            local_hostname=socket.gethostname() or "localhost",
        )

    def _keep(self, connection: SMTP, *, usable: bool = True) -> None:
        if not usable or not connection.is_connected:
            connection.close()
            return
        loop = asyncio.get_running_loop()
        self._idle[connection] = loop.call_later(self._idle_seconds, self._drop, connection)

    def _drop(self, connection: SMTP) -> None:
        self._idle.pop(connection, None)
        connection.close()


async def _is_alive(connection: SMTP) -> bool:
    """Whether a kept connection still answers; what it was in the middle of is forgotten."""
    try:
        await connection.rset()
    except (SMTPException, OSError):
        connection.close()
        return False
    except BaseException:
        connection.close()
        raise
    return True


async def _hand_over(connection: SMTP, envelope: _Envelope, data_seconds: float) -> None:
    options, encoding = [], "ascii"
    if envelope.is_international:
        await connection.ehlo()
        if not connection.supports_extension("smtputf8"):
            raise Refused("the mail server takes no address with such letters")
        options, encoding = ["SMTPUTF8"], "utf-8"
    await connection.mail(envelope.sender, options=options, encoding=encoding)
    await connection.rcpt(envelope.recipient, encoding=encoding)
    handing_over = connection.data(envelope.content, timeout=data_seconds)
    await _to_the_end(asyncio.ensure_future(handing_over))


async def _to_the_end(handing_over: "asyncio.Future[object]") -> None:
    """Wait, even if cancelled, for a moment: a letter cut off here may have arrived or not."""
    try:
        await asyncio.shield(handing_over)
    except asyncio.CancelledError:
        await asyncio.wait({handing_over}, timeout=_LAST_MOMENT_SECONDS)
        if not _went_well(handing_over):
            raise
    finally:
        handing_over.cancel()


def _went_well(work: "asyncio.Future[object]") -> bool:
    return work.done() and not work.cancelled() and work.exception() is None


def _judged(error: SMTPResponseException) -> NotSent:
    reason = f"{error.code} {error.message}"
    of_the_letter = isinstance(error, SMTPSenderRefused | SMTPRecipientRefused | SMTPDataError)
    if of_the_letter and 500 <= error.code < 600 and error.code not in _ABOUT_US:
        return Refused(reason)
    return Unreachable(reason)


def _envelope(message: EmailMessage) -> _Envelope:
    """Sender, recipient and content. Anything but one sender and one recipient is refused."""
    senders, recipients = _mailboxes(message, "From"), _mailboxes(message, "To")
    if len(senders) != 1 or len(recipients) != 1 or message["Cc"] or message["Bcc"]:
        raise Refused("a letter has one sender and one recipient")
    (sender,), (recipient,) = senders, recipients
    utf8 = not (sender + recipient).isascii()
    content = message.as_bytes(policy=ON_THE_WIRE.clone(utf8=utf8))
    return _Envelope(sender, recipient, content)


def _mailboxes(message: EmailMessage, header: str) -> list[str]:
    found = message[header]
    return [address.addr_spec for address in found.addresses] if found else []
