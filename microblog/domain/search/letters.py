"""How letters are compared: width, case, accents and vowel signs that people leave out are folded.

Each character is folded by itself (with the marks that follow it), so that whoever finds a word in
the folded text can say where it stands in the text as written.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from unicodedata import category, combining, decimal, normalize

# One sign for each folded character: what it is to a reader who looks for words.
WORD = "w"  # letters, digits, and signs that belong to them
DENSE = "g"  # letters of a script that puts no blanks between words
SIGN = "e"  # emoji and the like: each by itself
BREAK = " "
_OWN = {"#": "#", "@": "@", "_": "_", ".": ".", "-": "."}

_MARKS_KEPT = 32
# Halfwidth voicing marks are letters by category, and marks by what they do.
_VOICING = "\uff9e\uff9f"
# Accents, Hebrew points, Arabic vowel signs and stretching, variation selectors. The vowel signs of
# Indic scripts and of Thai are no ornament: they stay.
_ORNAMENT = re.compile(
    "[\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a"
    "\u0640\u064b-\u065f\u0670\u06d6-\u06ed\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe00-\ufe0f"
    "\ufe20-\ufe2f]"
)
# Letters with a stroke or grown together, which Unicode does not take apart; and letters of Arabic
# that are typed in two ways.
_LIKE = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ħ": "h", "ŧ": "t", "ı": "i", "æ": "ae", "œ": "oe", "ð": "d"}
    | {"þ": "th", "\u0649": "\u064a", "\u06cc": "\u064a", "\u0629": "\u0647", "\u06a9": "\u0643"}
)
_UNSAID = frozenset("™℠®©")
_ZERO_WIDTH_SPACE = "\u200b"
# Thai, Lao, Myanmar, Khmer; Hangul; kana, bopomofo and Han.
_DENSE_BLOCKS = (
    *((0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x1100, 0x11FF), (0xA960, 0xA97F)),
    *((0xAC00, 0xD7FF), (0x3005, 0x3007), (0x3021, 0x312F), (0x31A0, 0x31FF), (0x3400, 0x4DBF)),
    *((0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x1B000, 0x1B16F), (0x20000, 0x3FFFF)),
)


@dataclass(frozen=True, slots=True)
class Folded:
    """A folded text, the kind of each of its characters, and where each was in the original."""

    text: str
    kinds: str
    starts: range | list[int]
    ends: range | list[int]


def fold(text: str) -> Folded:
    """The text as it is compared. Expects NFC, as all stored texts are."""
    if text.isascii():
        kinds = text.translate(_ASCII)
        return Folded(text.lower(), kinds, range(len(text)), range(1, len(text) + 1))
    letters: list[str] = []
    kinds_found: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    start = 0
    while start < len(text):
        end = _end_of_cluster(text, start)
        folded, kinds = _folded(text[start:end])
        letters.append(folded)
        kinds_found.append(kinds)
        starts += [start] * len(folded)
        ends += [end] * len(folded)
        start = end
    return Folded("".join(letters), "".join(kinds_found), starts, ends)


def _end_of_cluster(text: str, start: int) -> int:
    end = start + 1
    last = min(len(text), start + _MARKS_KEPT)
    while end < last and (combining(text[end]) or text[end] in _VOICING):
        end += 1
    return end


@lru_cache(8192)
def _folded(cluster: str) -> tuple[str, str]:
    if cluster[0] in _UNSAID:
        return "", ""
    if cluster[0] == _ZERO_WIDTH_SPACE:
        return BREAK, BREAK
    apart = normalize("NFKD", normalize("NFKC", cluster).casefold())
    plain = normalize("NFC", _ORNAMENT.sub("", apart)).translate(_LIKE)
    kept = [(str(decimal(c, c)), _kind(c)) for c in plain if category(c) not in ("Cf", "Sk")]
    return "".join(c for c, _ in kept), "".join(kind for _, kind in kept)


def _kind(character: str) -> str:
    if character in _OWN:
        return _OWN[character]
    kind = category(character)
    if kind[0] in "LNM":
        return DENSE if kind[0] != "N" and _is_dense(ord(character)) else WORD
    return SIGN if kind == "So" else BREAK


def _is_dense(code: int) -> bool:
    return code >= 0x0E00 and any(first <= code <= last for first, last in _DENSE_BLOCKS)


# A letter folds into one letter here, so that the places are the same.
_ASCII = {code: _kind(chr(code)) for code in range(128)}
