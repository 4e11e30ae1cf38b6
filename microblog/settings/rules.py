"""What a value must be beyond its type: marks and rules that stand beside each setting.

A rule takes a value and gives it back in its normal form, or raises ValueError, whose text
completes the sentence "expected …".
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from babel import Locale, UnknownLocaleError
from babel.core import get_locale_identifier, parse_locale

LANGUAGE_CODE = re.compile(r"[A-Za-z]{2,3}([_-][A-Za-z0-9]{2,8})*")
MAIL_ADDRESS = re.compile(r"[^\s@<>,;]+@[^\s@<>,;]+")
SECRET_KEY_LENGTH = 16


@dataclass(frozen=True)
class Alias:
    """A name without prefix by which the environment may give this setting, too."""

    name: str


@dataclass(frozen=True)
class Secret:
    """Never shown; may be read from a file that the environment names."""


@dataclass(frozen=True)
class Masked:
    """May hold a password: shown through `show`, and may be read from a file like a secret."""

    show: Callable[[str], str]


@dataclass(frozen=True)
class Range:
    """Bounds of a number; `above` is exclusive, the other two are inclusive."""

    at_least: float | None = None
    at_most: float | None = None
    above: float | None = None

    def holds(self, number: float) -> bool:
        return (
            (self.at_least is None or number >= self.at_least)
            and (self.at_most is None or number <= self.at_most)
            and (self.above is None or number > self.above)
        )

    def __str__(self) -> str:
        words = []
        if self.above is not None:
            words.append(f"above {self.above:g}")
        if self.at_least is not None:
            words.append(f"from {self.at_least:g}")
        if self.at_most is not None:
            words.append(f"to {self.at_most:.10g}")
        return " ".join(words)


@dataclass(frozen=True, init=False)
class OneOf:
    """A word of a fixed list, whatever its case."""

    words: tuple[str, ...]

    def __init__(self, *words: str) -> None:
        object.__setattr__(self, "words", words)

    def __call__(self, value: str) -> str:
        for word in self.words:
            if value.lower() == word.lower():
                return word
        raise ValueError("one of " + ", ".join(word or "(empty)" for word in self.words))


def not_empty(value: str) -> str:
    if not value:
        raise ValueError("some text")
    return value


def off_or_from_one(value: float) -> float:
    if 0 < value < 1:
        raise ValueError("0, or a number from 1")
    return value


def long_enough(value: str) -> str:
    if value and len(value) < SECRET_KEY_LENGTH:
        raise ValueError(f"a secret of {SECRET_KEY_LENGTH} characters or more")
    return value


def sender_address(value: str) -> str:
    """Empty, `name@host`, or `Some Name <name@host>`."""
    address = value.rpartition("<")[2].removesuffix(">") if value.endswith(">") else value
    if value and not MAIL_ADDRESS.fullmatch(address):
        raise ValueError("a mail address, or a name with the address in <>")
    return value


def mail_addresses(value: tuple[str, ...]) -> tuple[str, ...]:
    for address in value:
        if not MAIL_ADDRESS.fullmatch(address):
            raise ValueError(f"mail addresses, and {address!r} is none")
    return value


def language_codes(value: tuple[str, ...]) -> tuple[str, ...]:
    """Codes as catalogues are named (`pt_BR`), each once, in the order given."""
    if not value:
        raise ValueError("at least one language code")
    return tuple(dict.fromkeys(_language_code(code) for code in value))


def _language_code(code: str) -> str:
    underscored = code.replace("-", "_")
    try:
        if not LANGUAGE_CODE.fullmatch(code):
            raise ValueError  # noqa: TRY301 (both ways say the same)
        Locale.parse(underscored)
    except (ValueError, UnknownLocaleError):
        raise ValueError(f"language codes such as en or pt_BR, and {code!r} is none") from None
    return get_locale_identifier(parse_locale(underscored))
