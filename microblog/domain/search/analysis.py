"""Our own text analysis: from a text to its terms, the same for every engine.

- Words are folded (:mod:`~microblog.domain.search.letters`) and cut at everything that is neither
  letter nor digit: ``Don't`` is ``don`` and ``t``, side by side.
- Chinese, Japanese, Korean, Thai and the like put no blanks between words. Their runs become
  overlapping pairs, and the last letter once more by itself: ``東京都`` is ``東京``, ``京都``,
  ``都``. A word of two letters is thus one term, a longer one a phrase, and a single letter the
  beginning of a pair or the last letter of a run.
- ``#tags`` and ``@names`` are terms of their own besides, behind all words, so that they are in
  nobody's way.

No term holds a blank, a quote, or any ASCII sign but ``# @ _ . -``: engines rely on it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from microblog.domain.search.letters import Folded, fold

_TOKEN = re.compile("w+|g+|e")
_TAG = r"#[wg_]+"
_NAME = r"@w(?:[w_.]*[w_])?"
_LABEL = re.compile(rf"(?<![w_])(?:{_TAG}|{_NAME})")
_LONGEST_TERM = 64
# PostgreSQL counts places in a text up to 16,383.
_MOST_TERMS = 16_000


@dataclass(frozen=True, slots=True)
class Token:
    """A term, and where it stands in the original text."""

    term: str
    start: int
    end: int
    # A single letter of a script without blanks. A text has it where a run of them ends.
    is_letter: bool = False


def document(text: str) -> str:
    """All terms of a text in their order, with a blank between: what an engine keeps of it."""
    words, labels = read(text)
    return " ".join(token.term for token in (words + labels)[:_MOST_TERMS])


def read(text: str) -> tuple[list[Token], list[Token]]:
    """The words of a text, and its tags and names."""
    folded = fold(text)
    words = [
        token for match in _TOKEN.finditer(folded.kinds) for token in _tokens(folded, *match.span())
    ]
    return words, [_token(folded, *match.span()) for match in _LABEL.finditer(folded.kinds)]


def _tokens(folded: Folded, start: int, end: int) -> Iterator[Token]:
    if folded.kinds[start] != "g":
        yield _token(folded, start, end)
        return
    for place in range(start, end - 1):
        yield _token(folded, place, place + 2)
    yield _token(folded, end - 1, end, is_letter=True)


def _token(folded: Folded, start: int, end: int, *, is_letter: bool = False) -> Token:
    term = folded.text[start:end][:_LONGEST_TERM]
    return Token(term, folded.starts[start], folded.ends[end - 1], is_letter)
