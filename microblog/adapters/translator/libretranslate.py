"""LibreTranslate: free software, on a server of one's own or somebody else's."""

import httpx

from microblog.adapters.translator.asking import ask, dig
from microblog.i18n import base

_KINDS = {"zh-hant": "zh-Hant", "zh-tw": "zh-Hant", "zh-hk": "zh-Hant", "pt-br": "pt-BR"}


class LibreTranslate:
    """A server, with a key where it wants one."""

    name = "libretranslate"

    def __init__(self, client: httpx.AsyncClient, *, url: str, key: str) -> None:
        """Take the way out; nothing is asked yet."""
        self._client = client
        self._url = f"{url}/translate"
        self._key = {"api_key": key} if key else {}

    def told(self, language: str) -> str:
        """See :class:`microblog.adapters.translator.promise.Translator`."""
        return code(language)

    async def translate(self, text: str, *, source: str, target: str) -> str:
        """See :class:`microblog.adapters.translator.promise.Translator`."""
        question = {
            "q": text,
            "source": code(source) if source else "auto",
            "target": code(target),
            "format": "text",
            **self._key,
        }
        return dig(await ask(self._client, self._url, question), "translatedText")


def code(language: str) -> str:
    """The service's name for a language."""
    tag = language.replace("_", "-").lower()
    return _KINDS.get(tag) or {"no": "nb"}.get(base(tag), base(tag))
