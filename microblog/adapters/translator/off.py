"""No translator."""

from microblog.adapters.translator.promise import NoTranslator
from microblog.i18n import base


class Off:
    """Translates nothing, and says why."""

    name = "off"

    def told(self, language: str) -> str:
        """See :class:`microblog.adapters.translator.promise.Translator`."""
        return base(language)

    async def translate(self, text: str, *, source: str, target: str) -> str:  # noqa: ARG002 (the promise's names)
        """Raise :class:`NoTranslator`."""
        raise NoTranslator
