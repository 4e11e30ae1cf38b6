"""From a text to its terms, and back to where they stand."""

import random
import time

import pytest

from microblog.domain.search.analysis import document, read
from microblog.domain.search.index import vector
from microblog.domain.search.marking import places
from microblog.domain.search.query import parse


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("", ""),
        (" \n ...!", ""),
        ("Hello, WORLD", "hello world"),
        ("Don't well-known 3.14", "don t well known 3 14"),
        ("Straße ŁÓDŹ Ærø ﬁn İI", "strasse lodz aero fin ii"),
        ("re\u00adsume re\u0301sume\u0301", "resume resume"),
        ("Foo™ bar®", "foo bar"),
        ("٣ x² Ⅷ ½", "3 x2 viii 1 2"),
        ("東京都は x", "東京 京都 都は は x"),
        ("東", "東"),
        ("ｶﾞｷﾞ がき", "ガギ ギ がき き"),
        ("세계를 한", "세계 계를 를 한"),
        ("ไทย", "ไท ทย ย"),
        ("हिन्दी", "हिन्दी"),
        ("ok🙂👩\u200d👧", "ok 🙂 👩 👧"),
        ("#Tag @john.doe.", "tag john doe #tag @john.doe"),
        ("#snake_case @a_ @.x", "snake case a x #snake_case @a_"),
        ("a@b.example c#d ##e", "a b example c d e #e"),
        ("これ@susanと#東京_タワー", "これ れ susan と 東京 京 タワ ワー ー @susan #東京_タワー"),
    ],
)
def test_terms(text: str, terms: str) -> None:
    assert document(text) == terms


def test_terms_hold_nothing_that_an_engine_could_take_for_its_own() -> None:
    rng = random.Random(1)
    for _ in range(300):
        text = "".join(chr(rng.randrange(1, 0xD800)) for _ in range(50))
        text += "".join(rng.choices("ab \"'\\:*&|!<>()-+^{}", k=30))
        for term in document(text).split(" "):
            plain = [c for c in term if c.isascii() and not c.isalnum()]
            assert set(plain) <= set("#@_.-"), term
            assert len(term) <= 64


def test_tokens_know_where_they_stand() -> None:
    text = "Ein Café — e\u0301té, 東京都! #Tag"
    words, labels = read(text)
    assert [text[w.start : w.end] for w in words] == [
        *("Ein", "Café", "e\u0301té", "東京", "京都", "都", "Tag"),
    ]
    assert [text[label.start : label.end] for label in labels] == ["#Tag"]


def test_long_texts_are_read_quickly() -> None:
    """T-47: the longest post that an operator may allow, of the worst kinds."""
    for text in ("@a" + "." * 20_000, "#_" * 10_000, "a\u0301" * 10_000, "東" * 20_000):
        begun = time.perf_counter()
        assert len(document(text).split()) <= 16_000
        assert time.perf_counter() - begun < 0.5


def test_as_postgresql_writes_it() -> None:
    assert vector("a b a #a") == "'a':1,3 'b':2 '#a':4"
    assert vector("") == ""


@pytest.mark.parametrize(
    ("typed", "text", "marked"),
    [
        ("cafe", "Das Café im CAFÉ", ["Café", "CAFÉ"]),
        ('"the fox"', "the dog the fox the", ["the fox"]),
        ("the fox", "the fox", ["the", "fox"]),
        ("fox*", "a foxglove", ["foxglove"]),
        ("東京都", "この東京都は", ["東京都"]),
        ("海", "北海道 海", ["海", "海"]),
        ("#tag", "tag #Tag #tags", ["#Tag"]),
        ("tag", "tag #Tag", ["tag", "Tag"]),
        ("@susan", "ask @susan.", ["@susan"]),
        ("-fox", "fox", []),
        ("strasse", "Straße", ["Straße"]),
    ],
)
def test_what_stands_out(typed: str, text: str, marked: list[str]) -> None:
    found = places(text, parse(typed).phrases)
    assert [text[start:end] for start, end in found] == marked
    assert found == sorted(found)
