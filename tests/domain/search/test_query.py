"""What a reader typed, understood."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from microblog.domain.search.query import (
    LONGEST,
    MOST_BEGINNINGS,
    MOST_NAMED,
    MOST_PHRASES,
    MOST_TERMS,
    Phrase,
    Query,
    legible,
    parse,
)


def test_words_phrases_and_what_must_not_be_there() -> None:
    assert parse('fox "brown Dog" -cat -"lazy day" sun* #tag') == Query(
        phrases=(
            Phrase(("fox",)),
            Phrase(("brown", "dog")),
            Phrase(("sun",), is_beginning=True),
            Phrase(("#tag",)),
        ),
        excluded=(Phrase(("cat",)), Phrase(("lazy", "day"))),
    )


def test_who_and_in_which_language() -> None:
    query = parse("FROM:Susan from:@john lang:pt-BR lang:DE")
    assert query == Query(authors=("susan", "john"), languages=("pt", "de"))
    assert parse("from:susan").is_plain is False
    assert parse("susan").is_plain is True


def test_dates_are_days_of_the_reader() -> None:
    query = parse("after:2026-05 before:2027")
    assert query.after == datetime(2026, 5, 1, tzinfo=UTC)
    assert query.before == datetime(2027, 1, 1, tzinfo=UTC)
    tokyo = parse("after:2026-05-02", zone=ZoneInfo("Asia/Tokyo"))
    assert tokyo.after == datetime(2026, 5, 1, 15, tzinfo=UTC)
    narrowest = parse("before:2027 before:2026 after:2020 after:2021")
    assert narrowest.before == datetime(2026, 1, 1, tzinfo=UTC)
    assert narrowest.after == datetime(2021, 1, 1, tzinfo=UTC)


def test_what_is_no_sign_is_words() -> None:
    assert parse("before:soon from: lang:english1") == Query(
        phrases=(Phrase(("before", "soon")), Phrase(("from",)), Phrase(("lang", "english1")))
    )
    for nothing in ("", "  ", '"', '""', "-", "--", "!!!", "\x00"):
        assert parse(nothing).is_empty, nothing


def test_a_question_has_bounds() -> None:
    """T-45: 5,000 words are the first few of them."""
    many = parse(" ".join(f"w{number}" for number in range(5000)))
    assert [phrase.terms[0] for phrase in many.phrases] == [f"w{n}" for n in range(MOST_PHRASES)]
    long = parse("東京" * 400)
    assert [len(phrase.terms) for phrase in long.phrases] == [MOST_TERMS]
    assert parse("x" * 5000).phrases == (Phrase(("x" * 64,)),)


def test_what_is_dear_is_bounded() -> None:
    """T-63: what has no room is left out, so that more is found and not less."""
    beginnings = [f"w{number}*" for number in range(MOST_BEGINNINGS + 1)]
    query = parse(" ".join([beginnings[0], f"-{beginnings[1]}", *beginnings[2:], "word"]))
    assert [phrase.terms[0] for phrase in query.phrases] == ["w0", "w2", "word"]
    assert query.excluded == (Phrase(("w1",), is_beginning=True),)
    assert MOST_BEGINNINGS == 3
    letters = parse(" ".join("海山川木"))
    assert [phrase.terms[0] for phrase in letters.phrases] == ["海", "山", "川"]
    codes = [f"l{letter}" for letter in "abcdefghijkl"]
    named = parse(" ".join(f"from:{code} lang:{code}" for code in codes))
    assert named.authors == named.languages == tuple(codes[:MOST_NAMED])


def test_what_is_said_twice_is_asked_once() -> None:
    once = parse('dog "a b a" sun* -cat from:john lang:de')
    assert (
        parse('dog "a b a" DOG sun* -cat "A b a" -cat sun* from:john from:John lang:de lang:DE')
        == once
    )
    assert parse("dog " * 50 + "cat").phrases == (Phrase(("dog",)), Phrase(("cat",)))
    # A word and its beginning, a word and its absence: not the same.
    assert len(parse("sun sun*").phrases) == 2
    both = parse("sun -sun")
    assert both.phrases == both.excluded


def test_what_was_typed_can_be_shown() -> None:
    assert legible("\x00a\x00b\x1f\x7f\x85") == "a b"
    assert legible("\x00\t\n ") == ""
    assert legible(" " * LONGEST + "x" * 1000) == "x" * LONGEST
