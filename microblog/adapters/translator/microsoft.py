"""Microsoft Translator, in its two present shapes (api-version 3.0 and 2026-06-06)."""

import httpx

from microblog.adapters.translator.asking import ask, dig
from microblog.i18n import base

URL = "https://api.cognitive.microsofttranslator.com"
# Languages of which the service has several, by the codes that catalogues have.
_KINDS = {
    "zh": "zh-Hans",
    "zh-hant": "zh-Hant",
    "zh-tw": "zh-Hant",
    "zh-hk": "zh-Hant",
    "pt-pt": "pt-PT",
    "fr-ca": "fr-CA",
    "sr-latn": "sr-Latn",
    "no": "nb",
}


class Microsoft:
    """One key, and the region where the key wants one."""

    name = "microsoft"

    def __init__(
        self, client: httpx.AsyncClient, *, url: str, key: str, region: str, version: str
    ) -> None:
        """Take the way out and the credentials; nothing is asked yet."""
        self._client = client
        self._url = f"{url or URL}/translate"
        self._version = version
        self._headers = {"Ocp-Apim-Subscription-Key": key}
        if region:
            self._headers["Ocp-Apim-Subscription-Region"] = region

    def told(self, language: str) -> str:
        """See :class:`microblog.adapters.translator.promise.Translator`."""
        return code(language)

    async def translate(self, text: str, *, source: str, target: str) -> str:
        """See :class:`microblog.adapters.translator.promise.Translator`."""
        if self._version == "3.0":
            return await self._translate_v3(text, source, target)
        question = {"text": text, "targets": [{"language": code(target)}]}
        if source:
            question["language"] = code(source)
        answer = await self._ask({"inputs": [question]})
        return dig(answer, "value", 0, "translations", 0, "text")

    async def _translate_v3(self, text: str, source: str, target: str) -> str:
        languages = {"to": code(target)}
        if source:
            languages["from"] = code(source)
        return dig(await self._ask([{"Text": text}], **languages), 0, "translations", 0, "text")

    async def _ask(self, question: object, **languages: str) -> object:
        query = {"api-version": self._version, **languages}
        return await ask(self._client, self._url, question, query=query, headers=self._headers)


def code(language: str) -> str:
    """The service's name for a language."""
    tag = language.replace("_", "-").lower()
    return _KINDS.get(tag) or _KINDS.get(base(tag), base(tag))
