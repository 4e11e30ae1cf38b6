"""From what stands in a file or in the environment to a typed value in its normal form.

Each function raises ValueError, whose text completes the sentence "expected …".
"""

import re
from math import isfinite
from pathlib import Path
from unicodedata import category

from microblog.settings.keys import Key, Value

WHOLE = re.compile(r"[+-]?\d{1,18}", re.ASCII)
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
LARGEST = 10**18
TRUE = {"1", "true", "yes", "on"}
FALSE = {"0", "false", "no", "off", ""}


def from_text(key: Key, text: str) -> Value:
    """Everything in the environment is text: what it means is decided by the setting's type."""
    if key.secret:
        return _checked(key, text)
    text = text.strip()
    if key.kind is bool:
        return _truth(text)
    if key.kind is int and WHOLE.fullmatch(text):
        return _checked(key, int(text))
    if key.kind is float and NUMBER.fullmatch(text):
        return _checked(key, float(text))
    if key.kind in {int, float}:
        raise ValueError(key.type_expected)
    if key.kind is tuple:
        parts = (part.strip() for part in text.split(","))
        return _checked(key, tuple(part for part in parts if part))
    return _checked(key, _folder(text) if key.kind is Path else text)


def from_toml(key: Key, value: object) -> Value:
    """A file has types of its own: a number in quotes is no number."""
    if isinstance(value, int) and abs(value) > LARGEST:
        raise ValueError(key.type_expected)
    if type(value) is int and key.kind is float:
        return _checked(key, float(value))
    if isinstance(value, str) and key.kind is Path:
        return _checked(key, _folder(value))
    if isinstance(value, list) and key.kind is tuple:
        texts = tuple(text for text in value if isinstance(text, str))
        if len(texts) == len(value):
            return _checked(key, texts)
    elif isinstance(value, str | int | float) and type(value) is key.kind:
        return _checked(key, value)
    raise ValueError(key.type_expected)


def _truth(text: str) -> bool:
    if text.lower() not in TRUE | FALSE:
        raise ValueError("true or false (1, true, yes, on; 0, false, no, off)")
    return text.lower() in TRUE


def _folder(text: str) -> Path:
    if not text:
        raise ValueError("the path of a folder")
    return Path(text)


def _checked(key: Key, value: Value) -> Value:
    if isinstance(value, int | float) and not _in_bounds(key, value):
        raise ValueError(key.type_expected)
    for text in value if isinstance(value, tuple) else (value,):
        if not isinstance(text, int | float) and not _is_clean(str(text), secret=key.secret):
            raise ValueError(key.type_expected)
    for rule in key.rules:
        value = rule(value)
    return value


def _in_bounds(key: Key, number: float) -> bool:
    return isfinite(number) and (key.bounds is None or key.bounds.holds(number))


def _is_clean(text: str, *, secret: bool) -> bool:
    # Bytes that are no UTF-8 arrive as lone surrogates, which nothing can write again.
    forbidden = {"Cs"} if secret else {"Cs", "Cc"}
    return not any(category(character) in forbidden for character in text)
