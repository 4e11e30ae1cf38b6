"""What a text is."""

import unicodedata

import pytest

from microblog.domain import text
from microblog.domain.errors import Invalid, Malformed


def clean(raw: str, maximum: int = 500, minimum: int = 1) -> str:
    return text.clean(raw, maximum=maximum, minimum=minimum, field="post")


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("  around \n", "around"),
        ("one\r\ntwo\rthree\nfour", "one\ntwo\nthree\nfour"),
        ("a\tb", "a b"),
        ("e\u0301", "\u00e9"),
        ("\u212b", "\u00e5".upper()),
        ("\u2003wide blanks\u00a0", "wide blanks"),
        ("👩\u200d👩\u200d👧 and \u202eleft", "👩\u200d👩\u200d👧 and \u202eleft"),
        ("<b>&amp;", "<b>&amp;"),
        ("न\u200dक", "न\u200dक"),
    ],
)
def test_one_form(raw: str, cleaned: str) -> None:
    """T-43: composed, one kind of line end, nothing around; what scripts need stays."""
    assert clean(raw) == cleaned
    assert clean(cleaned) == cleaned
    assert unicodedata.is_normalized("NFC", clean(raw))


@pytest.mark.parametrize("code", [*range(9), 0x0B, 0x0C, *range(0x0E, 0x20), *range(0x7F, 0xA0)])
def test_control_characters_are_refused(code: int) -> None:
    """T-43: wherever they stand, NUL among them, all but the newline."""
    for raw in (chr(code), f"a{chr(code)}b", f" {chr(code)}"):
        with pytest.raises(Malformed) as refusal:
            clean(raw)
        assert refusal.value.field == "post"
        assert refusal.value.values == {"character": f"U+{code:04X}"}


@pytest.mark.parametrize("code", [0xD800, 0xDBFF, 0xDC00, 0xDFFF])
def test_lone_surrogates_are_refused(code: int) -> None:
    """T-43."""
    with pytest.raises(Malformed):
        clean(f"a{chr(code)}")


@pytest.mark.parametrize("letter", ["x", "é", "漢", "😀", "e\u0301"])
def test_lengths_are_code_points_after_composition(letter: str) -> None:
    """M-102."""
    assert len(clean(letter * 500)) == 500
    assert len(clean(f" {letter * 500}\r\n")) == 500
    with pytest.raises(Invalid) as refusal:
        clean(letter * 501)
    assert not isinstance(refusal.value, Malformed)
    assert refusal.value.values == {"min": 1, "max": 500}


def test_too_little() -> None:
    """M-101."""
    for raw in ("", " ", "\n\r\t", "\u2003"):
        with pytest.raises(Invalid):
            clean(raw)
        assert clean(raw, minimum=0) == ""


def test_a_text_of_one_line() -> None:
    assert text.clean_line(" one\ntwo\r\n", maximum=10) == "one two"
    with pytest.raises(Invalid):
        text.clean_line("x" * 11, maximum=10)
