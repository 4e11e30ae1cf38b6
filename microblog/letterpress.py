"""Letters, written out: from the words of a promise to the message that a mailer takes.

The first line of a kind's text template is the subject, the rest of it the plain body; a template
of the same name in HTML is the other body. All is said in the recipient's language, and every link
begins with the service's own address, never with anything that a request said.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined

from microblog import i18n
from microblog.domain import letters
from microblog.domain.letters import Letter, Pointless
from microblog.settings import Server


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a letter; ``media_type`` is as in ``application/json``."""

    name: str
    media_type: str
    content: bytes


# Gives the token for a letter's secret link, or None if the way that it opens is closed by now.
Token = Callable[[Letter], Awaitable[str | None]]
# Gives the files that go with a letter.
Attachments = Callable[[Letter], Awaitable[list[Attachment]]]

PATHS = {
    letters.RESET_PASSWORD: "/auth/reset_password/",
    letters.CONFIRM_ADDRESS: "/auth/confirm/",
    letters.CONFIRM_NEW_ADDRESS: "/auth/confirm/",
    letters.ADDRESS_CHANGED: "/auth/restore_address/",
}
_TEXT_ONLY = frozenset({letters.ERROR_REPORT})
# One mailbox, in the narrow sense: no quotes, comments, routes or lists (RFC 5321, 4.1.2, has all).
_ATOM = r"[^\s\x00-\x1f\x7f\"(),.:;<>@\[\\\]]+"
_MAILBOX = re.compile(rf"({_ATOM}(?:\.{_ATOM})*)@({_ATOM}(?:\.{_ATOM})*)")
# Bodies that are not plain ASCII are encoded, so that every mail server passes them on unharmed.
_POLICY = SMTP.clone(cte_type="7bit")
_LONGEST_LINE = 998


class Letterpress:
    """Writes letters for one service."""

    def __init__(
        self,
        sender: str,
        base_url: Callable[[], str],
        token: Token,
        attachments: Attachments | None = None,
    ) -> None:
        """Take who writes, where the service is, and who makes tokens and finds attachments."""
        self._sender = _sender(sender)
        self._base_url = base_url
        self._token = token
        self._attachments = attachments or _nothing_attached
        self._environment = Environment(
            loader=PackageLoader("microblog", "templates/email"),
            autoescape=lambda name: name is not None and name.endswith(".html"),  # noqa: S701 (text is no HTML)
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=StrictUndefined,
            auto_reload=False,
            extensions=["jinja2.ext.i18n"],
        )
        self._environment.install_gettext_callables(  # type: ignore[attr-defined]  # from the extension
            i18n.translated, i18n.translated_plural, newstyle=True
        )

    async def compose(self, letter: Letter) -> EmailMessage:
        """The whole message. Raises :class:`Pointless` where sending it would be wrong."""
        base_url = self._base_url().rstrip("/")
        recipient = _recipient(letter.recipient)
        words = {**letter.details, "base_url": base_url, "link": await self._link(base_url, letter)}
        with i18n.speaking(letter.language):
            text = self._render(f"{letter.kind}.txt", words)
            html = None if letter.kind in _TEXT_ONLY else self._render(f"{letter.kind}.html", words)
        subject, _, body = text.partition("\n")
        message = self._headed(letter, subject, recipient, base_url)
        message.set_content(body.strip() + "\n", cte=_encoding(body))
        if html is not None:
            message.add_alternative(html, subtype="html", cte=_encoding(html))
        if found := await self._attachments(letter):
            # Encoding megabytes takes a while.
            await asyncio.to_thread(_attach, message, found)
        return message

    def _headed(
        self, letter: Letter, subject: str, recipient: Address, base_url: str
    ) -> EmailMessage:
        message = EmailMessage(policy=_POLICY.clone(utf8=not recipient.addr_spec.isascii()))
        message["Subject"] = " ".join(subject.split())
        message["From"] = self._sender
        message["To"] = recipient
        message["Date"] = format_datetime(letter.created_at)
        message["Message-ID"] = f"<{letter.message_id}@{_right_half(base_url)}>"
        message["Auto-Submitted"] = "auto-generated"
        return message

    async def _link(self, base_url: str, letter: Letter) -> str | None:
        path = PATHS.get(letter.kind)
        if path is None:
            return None
        token = await self._token(letter)
        if token is None:
            raise Pointless("its link is not valid any more")
        return f"{base_url}{path}{token}"

    def _render(self, template: str, words: dict[str, object]) -> str:
        language = i18n.language()
        frame = {"language": i18n.tag(language), "direction": i18n.direction(language)}
        return self._environment.get_template(template).render(frame | words)


def site(server: Server) -> str:
    """The service's public address; where none is set, the one at which it listens."""
    if server.base_url:
        return server.base_url
    host = f"[{server.host}]" if ":" in server.host else server.host
    return f"http://{host}:{server.port}"


async def _nothing_attached(_letter: Letter) -> list[Attachment]:
    return []


def _attach(message: EmailMessage, attachments: list[Attachment]) -> None:
    for attachment in attachments:
        main, _, sub = attachment.media_type.partition("/")
        message.add_attachment(
            attachment.content, maintype=main, subtype=sub, filename=attachment.name
        )


def _recipient(address: str) -> Address:
    """The one mailbox that this is. What two mailers could read differently is none."""
    parts = _MAILBOX.fullmatch(address)
    if not parts or not address.isprintable():
        raise Pointless("its recipient's address is not one plain mailbox")
    try:
        return Address(username=parts[1], domain=parts[2].encode("idna").decode())
    except ValueError as error:
        raise Pointless(f"its recipient's address cannot be used: {error}") from error


def _sender(setting: str) -> Address:
    """From ``name@host`` or ``Some Name <name@host>``; the name may hold any character."""
    name, _, address = setting.rpartition("<")
    username, _, domain = address.removesuffix(">").rpartition("@")
    return Address(name.strip().strip('"'), username, domain)


def _right_half(base_url: str) -> str:
    host = urlsplit(base_url).hostname or "localhost"
    return f"[{host}]" if ":" in host else host


def _encoding(text: str) -> str | None:
    # Left as it is where it can be, so that a long link stays in one piece for whoever looks.
    plain = text.isascii() and all(len(line) <= _LONGEST_LINE for line in text.splitlines())
    return "7bit" if plain else None
