"""Where in a text a query's words stand, so that a page can show why it was found."""

from collections.abc import Iterator, Sequence

from microblog.domain.search.analysis import Token, read
from microblog.domain.search.query import Phrase

Place = tuple[int, int]


def places(text: str, phrases: Sequence[Phrase]) -> list[Place]:
    """From where to where the text has these phrases: in order, none overlapping another."""
    words, labels = read(text)
    found = sorted(
        place
        for phrase in phrases
        for place in _places(labels if _is_label(phrase) else words, phrase)
    )
    return list(_merged(found))


def _is_label(phrase: Phrase) -> bool:
    return phrase.terms[0][0] in "#@"


def _places(tokens: Sequence[Token], phrase: Phrase) -> Iterator[Place]:
    *before, last = phrase.terms
    for number in range(len(before), len(tokens)):
        token = tokens[number]
        if not token.term.startswith(last) or (token.term != last and not phrase.is_beginning):
            continue
        first = number - len(before)
        if [passed.term for passed in tokens[first:number]] == before:
            # A single letter is the first of a pair; of words that begin so, all is shown.
            end = token.end if len(last) > 1 or token.term == last else token.start + 1
            yield tokens[first].start, end


def _merged(found: Sequence[Place]) -> Iterator[Place]:
    """Places that overlap or touch become one."""
    begun: Place | None = None
    for start, end in found:
        if begun is not None and start <= begun[1]:
            begun = begun[0], max(begun[1], end)
            continue
        if begun is not None:
            yield begun
        begun = start, end
    if begun is not None:
        yield begun
