"""DeepL, version 2 of its interface."""

import httpx

from microblog.adapters.translator.asking import ask, dig
from microblog.i18n import base

URL = "https://api.deepl.com"
FREE_URL = "https://api-free.deepl.com"
# Targets must say which kind of a language is meant where there are several.
_KINDS = {
    "en": "EN-US",
    "en-gb": "EN-GB",
    "pt": "PT-PT",
    "pt-br": "PT-BR",
    "zh-hant": "ZH-HANT",
    "zh-tw": "ZH-HANT",
    "zh-hk": "ZH-HANT",
}


class DeepL:
    """One key; that of a free account says so itself, and has a host of its own."""

    name = "deepl"

    def __init__(self, client: httpx.AsyncClient, *, url: str, key: str) -> None:
        """Take the way out and the key; nothing is asked yet."""
        self._client = client
        own = FREE_URL if key.endswith(":fx") else URL
        self._url = f"{url or own}/v2/translate"
        self._headers = {"Authorization": f"DeepL-Auth-Key {key}"}

    def told(self, language: str) -> str:
        """See :class:`microblog.adapters.translator.promise.Translator`."""
        return target_code(language)

    async def translate(self, text: str, *, source: str, target: str) -> str:
        """See :class:`microblog.adapters.translator.promise.Translator`."""
        question: dict[str, object] = {"text": [text], "target_lang": target_code(target)}
        if source:
            question["source_lang"] = source_code(source)
        answer = await ask(self._client, self._url, question, headers=self._headers)
        return dig(answer, "translations", 0, "text")


def source_code(language: str) -> str:
    """The service's name for a language, without its kinds."""
    found = base(language)
    return "NB" if found == "no" else found.upper()


def target_code(language: str) -> str:
    """The service's name for a language to translate into."""
    tag = language.replace("_", "-").lower()
    return _KINDS.get(tag) or _KINDS.get(base(tag), source_code(tag))
