"""What every translator promises."""

from typing import Protocol

from microblog.domain.errors import Busy
from microblog.i18n import marked


class Untranslated(Busy):
    """There is no translation, at least not now; the message says so where it would stand.

    ``billed``: the service may count what it was sent all the same. ``reason`` is for the log.
    """

    message = marked("Error: the translation service failed.")

    def __init__(self, reason: str = "", *, billed: bool = False) -> None:
        super().__init__()
        self.reason = reason
        self.billed = billed


class NoTranslator(Untranslated):
    """The operator has set none up, which does not change from one moment to the next."""

    retry_after = 3600
    message = marked("Error: the translation service is not configured.")


class Outage(Untranslated):
    """The service does not do its work."""


class Declined(Untranslated):
    """The service is well, and says nothing that could be shown about this text."""


class Translator(Protocol):
    """Something that says a text in another language."""

    name: str

    def told(self, language: str) -> str:
        """The service's own name for a language to translate into: one for all that are one to it.

        At most 16 characters.
        """

    async def translate(self, text: str, *, source: str, target: str) -> str:
        """The text in the language ``target``. An empty ``source`` is for the service to find out.

        Raises :class:`Declined` for what the service will not translate, :class:`Outage` where
        it fails altogether, within a few seconds. The answer is anybody's text: nothing about it is
        certain but that it is text.
        """
