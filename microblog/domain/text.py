"""What a text is: one rule for every text that people write, whichever door it comes through."""

import unicodedata

from microblog.domain.errors import Invalid, Malformed
from microblog.i18n import marked

# Embeddings, overrides and isolates of text direction (Unicode Standard Annex 9, section 2).
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def clean(raw: str, *, maximum: int, minimum: int = 0, field: str = "") -> str:
    """Normalise a text of several lines: NFC, newlines as line ends, no blanks around.

    Lengths count Unicode code points after normalisation. A tab becomes a space. Raises
    :class:`Malformed` for NUL, lone surrogates and control characters, :class:`Invalid` for a
    length outside ``minimum`` to ``maximum``.
    """
    text = raw.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    refuse_unusable(text, field=field)
    text = unicodedata.normalize("NFC", text).strip()
    if not minimum <= len(text) <= maximum:
        raise Invalid(
            marked("Field must be between %(min)d and %(max)d characters long.")
            if minimum
            else marked("Field cannot be longer than %(max)d characters."),
            field=field,
            min=minimum,
            max=maximum,
        )
    return text


def clean_line(raw: str, *, maximum: int, minimum: int = 0, field: str = "") -> str:
    """Normalise a text of one line: as :func:`clean`, and a line end is a space.

    One line stands among other words, so what would turn the direction of those is refused too.
    """
    for character in raw:
        if character in _TURNING:
            raise Malformed(field=field, character=f"U+{ord(character):04X}")
    return clean(" ".join(raw.split("\n")), maximum=maximum, minimum=minimum, field=field)


def refuse_unusable(text: str, *, field: str = "") -> None:
    """Raise :class:`Malformed` if no database, page or feed could carry the text.

    That is: control characters but the newline (NUL among them) and lone surrogates.
    """
    if text.isprintable():
        return
    for character in text:
        if character != "\n" and unicodedata.category(character) in ("Cc", "Cs"):
            raise Malformed(field=field, character=f"U+{ord(character):04X}")
