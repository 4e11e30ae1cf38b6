"""Words: the catalogues, the language of the moment, and how it is chosen.

The language of the moment is a context variable, so that two requests that are served at once never
mix. English is the language of the source; it needs no catalogue.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, tzinfo
from functools import cache, lru_cache
from gettext import NullTranslations
from pathlib import Path
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.core import get_locale_identifier, parse_locale
from babel.dates import format_datetime, get_timezone
from babel.support import LazyProxy, Translations
from babel.units import format_unit

SOURCE_LANGUAGE = "en"
_LONGEST_CODE = 16
_LONGEST_HEADER = 500
FOLDER = Path(__file__).parent / "translations"

_language: ContextVar[str] = ContextVar("language", default=SOURCE_LANGUAGE)
_time_zone: ContextVar[str] = ContextVar("time_zone", default="")


def language() -> str:
    """The language of the moment, as a code such as ``pt`` or ``zh_Hant``."""
    return _language.get()


def speak(code: str, *, time_zone: str | None = None) -> None:
    """Set the language, and the time zone (an IANA name), for the rest of this request or task."""
    _language.set(code)
    if time_zone is not None:
        _time_zone.set(time_zone)


@contextmanager
def speaking(code: str) -> Iterator[None]:
    """Speak another language for a while, and tell times in UTC."""
    spoken, zone = _language.set(code), _time_zone.set("")
    try:
        yield
    finally:
        _language.reset(spoken)
        _time_zone.reset(zone)


def gettext(message: str, **values: Any) -> str:
    """The message in the language of the moment, with its named values filled in."""
    text = translated(message)
    return text % values if values else text


def ngettext(singular: str, plural: str, number: int, **values: Any) -> str:
    """The form of the message that goes with a number, which is also the value ``num``."""
    return translated_plural(singular, plural, number) % {"num": number, **values}


def translated(message: str) -> str:
    """The message as the catalogue has it, its placeholders unfilled: for templates."""
    return _catalogue(language()).gettext(message) if message else ""


def translated_plural(singular: str, plural: str, number: int) -> str:
    """The plural form as the catalogue has it, its placeholders unfilled: for templates."""
    return _catalogue(language()).ngettext(singular, plural, number)


def lazy(message: str) -> Any:
    """The message in whichever language is spoken when it is shown: for labels made at import."""
    return LazyProxy(gettext, message, enable_cache=False)


def marked(message: str) -> str:
    """The message itself, marked for the catalogues: it is translated where it is shown."""
    return message


@cache
def autonym(code: str) -> str:
    """What a language calls itself: ``Deutsch``."""
    name = str(Locale.parse(code).get_display_name() or code)
    return name[:1].upper() + name[1:]


@cache
def direction(code: str) -> str:
    """``ltr`` or ``rtl``."""
    return str(Locale.parse(code).text_direction)


def tag(code: str) -> str:
    """The code as HTML and HTTP write it: ``zh-Hant``."""
    return code.replace("_", "-")


def long_date(moment: datetime) -> str:
    """A moment in full, in the language and the time zone of the moment (UTC if none is set)."""
    zone = _time_zone.get()
    return format_datetime(
        moment, "long", tzinfo=get_timezone(zone) if zone else None, locale=language()
    )


def time_zone() -> tzinfo:
    """The time zone of the moment, UTC if none is set."""
    return get_timezone(_time_zone.get() or "UTC")


def file_size(size: int) -> str:
    """A number of bytes as people say it, in the language of the moment: ``1.2 MB``."""
    unit, scale = ("megabyte", 1_000_000) if size >= 1_000_000 else ("kilobyte", 1_000)
    rounded = round(max(size, scale / 10) / scale, 1)
    return str(format_unit(rounded, f"digital-{unit}", "short", locale=language()))


def choose(offered: Sequence[str], *wishes: str | None) -> str:
    """The first wish that can be met, else the first language offered.

    A wish is a language code, or a whole Accept-Language header; what cannot be read is no wish.
    """
    return _chosen(tuple(offered), tuple((wish or "")[:_LONGEST_HEADER] for wish in wishes))


@lru_cache(1024)
def _chosen(offered: tuple[str, ...], wishes: tuple[str, ...]) -> str:
    known = {code.lower(): code for code in offered}
    bare = {code.partition("_")[0]: code for code in reversed(known)}
    for wish in wishes:
        for preferred in preferences(wish):
            met = _longest_known(preferred, known) or known.get(bare.get(preferred, ""))
            if met:
                return met
    return offered[0]


def _longest_known(code: str, known: Mapping[str, str]) -> str | None:
    """The lookup of RFC 4647, 3.4: ``zh_hant_tw``, else ``zh_hant``, else ``zh``."""
    while code and code not in known:
        code = code.rpartition("_")[0]
    return known.get(code)


def base(code: str) -> str:
    """The language without region and script: ``pt_BR`` and ``pt-PT`` are both ``pt``."""
    found = code.lower().replace("_", "-").partition("-")[0]
    # The two written forms of Norwegian are one language for who reads it.
    return "no" if found in ("nb", "nn") else found


def find_code(raw: str) -> str | None:
    """A language code as catalogues write it (``pt-br`` is ``pt_BR``); ``None`` if it is none."""
    written = raw.strip().replace("-", "_")
    if not written.replace("_", "").isalnum() or len(written) > _LONGEST_CODE:
        return None
    try:
        Locale.parse(written)
        return get_locale_identifier(parse_locale(written))
    except (ValueError, UnknownLocaleError):
        return None


def preferences(header: str) -> list[str]:
    """The codes of an Accept-Language header, the most wanted first, in lower case."""
    return list(_preferred(header[:_LONGEST_HEADER]))


@lru_cache(1024)
def _preferred(header: str) -> tuple[str, ...]:
    ranked = []
    for place, part in enumerate(header.split(",")):
        code, _, parameters = part.strip().partition(";")
        _, _, quality = parameters.partition("q=")
        try:
            weight = float(quality) if quality else 1.0
        except ValueError:
            continue
        code = code.strip().replace("-", "_").lower()
        if weight > 0 and code.replace("_", "").isalnum():
            ranked.append((-weight, place, code))
    return tuple(code for _, _, code in sorted(ranked))


@cache
def _catalogue(code: str) -> NullTranslations:
    # A language without a catalogue is spoken in the words of the source.
    return Translations.load(FOLDER, [code])
