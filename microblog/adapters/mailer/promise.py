"""What every mailer promises."""

from email.message import EmailMessage
from typing import Protocol


class NotSent(Exception):
    """The letter is not out; the text says why, in the words of the mail server where it spoke."""


class Refused(NotSent):
    """The mail server will never take this letter."""


class Unreachable(NotSent):
    """Not now: trying again later may help.

    The mail server is away, slow, or busy, or it refuses us rather than the letter. It may also
    have taken the letter, and be gone before it could say so.
    """


class Mailer(Protocol):
    """Something that takes letters away."""

    async def send(self, message: EmailMessage) -> None:
        """Hand over one letter to its one recipient; returning means that it was accepted.

        Raises :class:`Refused` or :class:`Unreachable`. Cancelled, it stops at once, unless the
        letter is just being handed over: then it has a moment to end well, and may return.
        """

    async def close(self) -> None:
        """Let go of what is kept open."""
