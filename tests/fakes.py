"""Stand-ins for the outside world, real as far as the wire: a mail server on loopback."""

import asyncio
import email
import email.policy
import ssl
import subprocess
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Literal

from aiosmtpd.smtp import SMTP, AuthResult

# Where a conversation can be made to go wrong; "end" is after the content, before the answer.
Stage = Literal["greeting", "EHLO", "MAIL", "RCPT", "DATA", "end"]
STAGES: tuple[Stage, ...] = ("greeting", "EHLO", "MAIL", "RCPT", "DATA", "end")


class MailServer:
    """Takes letters, or does not, as the test tells it."""

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []
        self.envelopes: list[tuple[str, list[str]]] = []
        self.logins: list[tuple[str, str]] = []
        self.connections = 0
        self.encrypted = 0
        self.asked = Counter[str]()
        """How often each stage was reached."""
        self.changed = asyncio.Condition()
        self.port = 0
        self._answers: dict[str, str] = {}
        self._for_recipients: dict[str, str] = {}
        self._stalled: dict[str, asyncio.Event] = {}
        self._drops = 0
        self._open: set[Conversation] = set()
        self._server: asyncio.Server | None = None
        self._tls: ssl.SSLContext | None = None
        self._options: dict[str, Any] = {}

    # What the test tells

    def answer(self, stage: Stage, line: str | None) -> None:
        """From now on answer ``line`` (`550 no`) at a stage; with ``None`` be normal again."""
        self._answers.pop(stage, None)
        if line is not None:
            self._answers[stage] = line

    def answer_for(self, recipient: str, line: str | None) -> None:
        """From now on answer ``line`` to RCPT for one recipient."""
        self._for_recipients.pop(recipient, None)
        if line is not None:
            self._for_recipients[recipient] = line

    def stall(self, stage: Stage) -> asyncio.Event:
        """From now on say nothing at a stage, until the event is set."""
        go_on = self._stalled[stage] = asyncio.Event()
        return go_on

    def drop_after_acceptance(self, times: int = 1) -> None:
        """Take the next letters, and hang up instead of saying so."""
        self._drops = times

    def hang_up(self) -> None:
        """Drop every open connection, as a server that restarts does."""
        for conversation in list(self._open):
            conversation.hang_up()

    async def go_away(self) -> None:
        """Listen no more, and drop everybody."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for go_on in self._stalled.values():
            go_on.set()
        self.hang_up()

    async def come_back(self) -> None:
        """Listen again, on the same port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Conversation(self, **self._options), "127.0.0.1", self.port, ssl=self._tls
        )
        self.port = self._server.sockets[0].getsockname()[1]

    # What the test asks

    async def received(self, number: int, *, seconds: float = 10) -> list[EmailMessage]:
        """The letters, as soon as there are that many."""
        async with asyncio.timeout(seconds), self.changed:
            await self.changed.wait_for(lambda: len(self.letters) >= number)
        return self.letters

    async def reached(self, stage: Stage, times: int = 1, *, seconds: float = 10) -> None:
        """Return when a stage has been reached that often."""
        async with asyncio.timeout(seconds), self.changed:
            await self.changed.wait_for(lambda: self.asked[stage] >= times)

    # What the conversations do

    async def pass_stage(self, stage: str, recipient: str = "") -> str | None:
        async with self.changed:
            self.asked[stage] += 1
            self.changed.notify_all()
        if stage in self._stalled:
            await self._stalled[stage].wait()
        return self._for_recipients.get(recipient) or self._answers.get(stage)

    async def take(self, sender: str, recipients: list[str], content: bytes) -> bool:
        """Keep a letter; False if the connection is to be dropped now."""
        message = email.message_from_bytes(content, policy=email.policy.default)
        async with self.changed:
            self.letters.append(message)
            self.envelopes.append((sender, recipients))
            self.changed.notify_all()
        self._drops -= 1
        return self._drops < 0

    def authenticate(self, *arguments: Any) -> AuthResult:
        credentials = arguments[4]
        login = credentials.login.decode(), credentials.password.decode()
        self.logins.append(login)
        return AuthResult(success=login == ("clerk", "right"), handled=False)


class Conversation(SMTP):
    """One connection."""

    def __init__(self, server: MailServer, **options: Any) -> None:
        self.mail_server = server
        super().__init__(
            self,
            hostname="mail.test",
            loop=asyncio.get_running_loop(),
            enable_SMTPUTF8=True,
            **options,
        )

    def connection_made(self, transport: Any) -> None:
        if self.transport is None:
            self.mail_server.connections += 1
            self.mail_server._open.add(self)
        if transport.get_extra_info("sslcontext") is not None:
            self.mail_server.encrypted += 1
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self.mail_server._open.discard(self)
        super().connection_lost(error)

    def hang_up(self) -> None:
        if self.transport is not None:
            self.transport.abort()  # type: ignore[attr-defined]

    async def _handle_client(self) -> None:
        line = await self.mail_server.pass_stage("greeting")
        if line:
            await self.push(line)
            self.hang_up()
            return
        await super()._handle_client()

    async def smtp_EHLO(self, hostname: str) -> None:
        if line := await self.mail_server.pass_stage("EHLO"):
            await self.push(line)
        else:
            await super().smtp_EHLO(hostname)

    async def smtp_MAIL(self, arg: str | None) -> None:
        if line := await self.mail_server.pass_stage("MAIL"):
            await self.push(line)
        else:
            await super().smtp_MAIL(arg)

    async def smtp_RCPT(self, arg: str | None) -> None:
        recipient = (arg or "").partition("<")[2].partition(">")[0]
        if line := await self.mail_server.pass_stage("RCPT", recipient):
            await self.push(line)
        else:
            await super().smtp_RCPT(arg)

    async def smtp_DATA(self, arg: str) -> None:
        if line := await self.mail_server.pass_stage("DATA"):
            await self.push(line)
        else:
            await super().smtp_DATA(arg)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        if line := await self.mail_server.pass_stage("end"):
            return line
        kept = await self.mail_server.take(
            envelope.mail_from, envelope.rcpt_tos, envelope.original_content
        )
        if not kept:
            self.hang_up()
            await asyncio.Event().wait()  # until the lost connection ends this task
        return "250 OK"


@asynccontextmanager
async def mail_server(
    *,
    starttls: ssl.SSLContext | None = None,
    tls: ssl.SSLContext | None = None,
    login: bool = False,
) -> AsyncIterator[MailServer]:
    """A mail server on loopback, on the loop of the test."""
    server = MailServer()
    server._tls = tls
    server._options = {"tls_context": starttls, "require_starttls": starttls is not None}
    if login:
        server._options |= {
            "authenticator": server.authenticate,
            "auth_required": True,
            # TLS from the first byte is none that the protocol knows of.
            "auth_require_tls": starttls is not None,
        }
    await server.come_back()
    try:
        yield server
    finally:
        await server.go_away()


def certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context with a certificate for 127.0.0.1, and a client's that believes it."""
    key, chain = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-keyout", key, "-out", chain, "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.load_cert_chain(chain, key)
    return ours, ssl.create_default_context(cafile=chain)
