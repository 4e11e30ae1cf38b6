"""What a reader typed into the box, understood. There is no wrong input: what is no sign is words.

``word``, ``#tag``, ``@name``
    must be there, all of them; ``begin*`` stands for every word that begins so.
``"several words"``
    must be there side by side.
``-word``, ``-"several words"``
    must not be there.
``from:name``, ``lang:xx``
    who wrote it, and in which language; several of a kind: any of them.
``before:2026``, ``after:2026-05``, ``before:2026-05-01``
    until that time begins, and from its beginning on: every post is either before or after it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from unicodedata import normalize

from microblog.domain.search.analysis import Token, read
from microblog.models.user import USERNAME_LENGTH, fold

# A text longer than this, or of more words, asks for what its beginning asks for: the dearest
# question must not keep a database busy. Beginnings are dear, each of them stands for many words.
LONGEST = 500
MOST_PHRASES = 8
MOST_TERMS = 24
MOST_BEGINNINGS = 3
# People asked for, and languages.
MOST_NAMED = 8

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_PIECE = re.compile(r'(?P<minus>-*)(?:"(?P<quoted>[^"]*)"?|(?P<word>[^\s"]+))')
_QUOTES = dict.fromkeys(map(ord, "“”„‟«»〝〞"), '"')
_FILTER = re.compile(r"(from|lang|before|after):(\S+)", re.IGNORECASE)
_USERNAME = re.compile(rf"@?([a-z0-9][a-z0-9_.-]{{0,{USERNAME_LENGTH - 1}}})", re.IGNORECASE)
_LANGUAGE = re.compile(r"([a-z]{2,3})(?:[-_][a-z0-9]{2,8})*", re.IGNORECASE)
_DATE = re.compile(r"((?:19|20)\d\d)(?:-(\d\d?))?(?:-(\d\d?))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Phrase:
    """Terms that stand side by side; the last may be the beginning of one."""

    terms: tuple[str, ...]
    is_beginning: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked for. An empty one asks for nothing and finds nothing."""

    phrases: tuple[Phrase, ...] = ()
    excluded: tuple[Phrase, ...] = ()
    # Usernames as :func:`microblog.models.user.fold` makes them; primary language codes.
    authors: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    before: datetime | None = None
    after: datetime | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing is asked for."""
        return self == Query()

    @property
    def is_plain(self) -> bool:
        """Whether words are asked for, and nothing but words."""
        return bool(self.phrases) and self == Query(self.phrases)


@dataclass
class _Reading:
    """A query under way, with what it may still hold."""

    query: Query = field(default_factory=Query)
    terms_left: int = MOST_TERMS
    phrases_left: int = MOST_PHRASES
    beginnings_left: int = MOST_BEGINNINGS

    def add(self, phrase: Phrase, *, excluded: bool) -> None:
        if len(phrase.terms) > self.terms_left:
            phrase = Phrase(phrase.terms[: self.terms_left])
        known = self.query.excluded if excluded else self.query.phrases
        if not phrase.terms or phrase in known or not self._has_room(phrase):
            return
        self.terms_left -= len(phrase.terms)
        self.phrases_left -= 1
        self.beginnings_left -= phrase.is_beginning
        if excluded:
            self.query = replace(self.query, excluded=(*known, phrase))
        else:
            self.query = replace(self.query, phrases=(*known, phrase))

    def _has_room(self, phrase: Phrase) -> bool:
        return self.phrases_left > 0 and (self.beginnings_left > 0 or not phrase.is_beginning)


def legible(typed: str) -> str:
    """What was typed, as it can be shown again: within bounds, blanks for control characters."""
    return _CONTROLS.sub(" ", typed).strip()[:LONGEST]


def parse(typed: str, *, zone: tzinfo = UTC) -> Query:
    """Understand what was typed; dates are days of ``zone``."""
    text = normalize("NFKC", typed[:LONGEST])[: 2 * LONGEST].translate(_QUOTES)
    reading = _Reading()
    for piece in _PIECE.finditer(text):
        if piece["word"] and not piece["minus"]:
            narrowed = _narrowed(reading.query, piece["word"], zone)
            if narrowed is not None:
                reading.query = narrowed
                continue
        for phrase in phrases(piece["quoted"] or piece["word"] or ""):
            reading.add(phrase, excluded=bool(piece["minus"]))
    return reading.query


def phrases(text: str) -> Iterable[Phrase]:
    """What a text must hold to hold this one: its tags and names, and its words side by side."""
    words, labels = read(text)
    for label in labels:
        yield Phrase((label.term,), text.startswith("*", label.end))
    if any(not _within(word, labels) for word in words):
        yield _side_by_side(text, words)


def _within(word: Token, labels: list[Token]) -> bool:
    return any(label.start <= word.start and word.end <= label.end for label in labels)


def _side_by_side(text: str, words: list[Token]) -> Phrase:
    last = words[-1]
    if last.is_letter and len(words) > 1 and words[-2].end == last.end:
        # The pair before says the same, wherever in a run it stands.
        return Phrase(tuple(word.term for word in words[:-1]))
    starred = len(last.term) > 1 and text.startswith("*", last.end)
    return Phrase(tuple(word.term for word in words), last.is_letter or starred)


def _narrowed(query: Query, word: str, zone: tzinfo) -> Query | None:
    """The query with this filter; ``None`` if the word is none."""
    found = _FILTER.fullmatch(word)
    if found is None:
        return None
    kind, value = found[1].lower(), found[2]
    if kind == "from" and (name := _USERNAME.fullmatch(value)):
        return replace(query, authors=_named(query.authors, fold(name[1])))
    if kind == "lang" and (language := _LANGUAGE.fullmatch(value)):
        return replace(query, languages=_named(query.languages, language[1].lower()))
    if kind == "before" and (moment := _beginning(value, zone)):
        return replace(query, before=min(query.before or moment, moment))
    if kind == "after" and (moment := _beginning(value, zone)):
        return replace(query, after=max(query.after or moment, moment))
    return None


def _named(known: tuple[str, ...], one: str) -> tuple[str, ...]:
    return known if one in known or len(known) == MOST_NAMED else (*known, one)


def _beginning(raw: str, zone: tzinfo) -> datetime | None:
    """When a year, a month or a day begins; ``None`` for what is none of them."""
    found = _DATE.fullmatch(raw)
    if found is None:
        return None
    try:
        year, month, day = (int(part or 1) for part in found.groups())
        return datetime(year, month, day, tzinfo=zone).astimezone(UTC)
    except ValueError:
        return None
