"""Translation: by one of three services over HTTP, or not at all."""

import httpx

from microblog.adapters.translator.breaker import Breaker
from microblog.adapters.translator.deepl import DeepL
from microblog.adapters.translator.guarded import Guarded
from microblog.adapters.translator.libretranslate import LibreTranslate
from microblog.adapters.translator.microsoft import Microsoft
from microblog.adapters.translator.off import Off
from microblog.adapters.translator.promise import (
    Declined,
    NoTranslator,
    Outage,
    Translator,
    Untranslated,
)
from microblog.settings import Translator as Settings

__all__ = [
    "Breaker",
    "Declined",
    "Guarded",
    "NoTranslator",
    "Outage",
    "Translator",
    "Untranslated",
    "build",
]


def build(settings: Settings, client: httpx.AsyncClient) -> Guarded:
    """The translator that the settings ask for; it asks nothing of anybody yet."""
    return Guarded(_named(settings, client))


def _named(settings: Settings, client: httpx.AsyncClient) -> Translator:
    url, key = settings.url, settings.key
    match settings.kind:
        case "microsoft":
            region, version = settings.region, settings.version
            return Microsoft(client, url=url, key=key, region=region, version=version)
        case "libretranslate":
            return LibreTranslate(client, url=url, key=key)
        case "deepl":
            return DeepL(client, url=url, key=key)
        case _:
            return Off()
