"""How well a post answers a query: a number of our own, the same whichever engine found the post.

Okapi BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009, section 3)
without the rarity of words: every post found has all of them, so rarity decides little. What counts
is how often they are there, and in how short a post. Small differences count for nothing, so that
of posts that answer alike the newer comes first.
"""

from collections.abc import Sequence

from microblog.domain.search.query import Phrase

_SATURATION = 1.2
_LENGTH_COUNTS = 0.3
# A post's usual number of terms; a fixed one, or a post's rank would change with other posts.
_USUAL_LENGTH = 25


def score(phrases: Sequence[Phrase], terms: str) -> float:
    """How well terms, as an engine keeps them, answer these phrases; 0.0 where none are asked."""
    if not phrases:
        return 0.0
    # Two blanks between terms, so that each has one of its own on both sides.
    spaced = f" {terms.replace(' ', '  ')} "
    length = 1 + terms.count(" ")
    damped = _SATURATION * (1 - _LENGTH_COUNTS + _LENGTH_COUNTS * length / _USUAL_LENGTH)
    total = 0.0
    for phrase in phrases:
        times = spaced.count(_spaced(phrase))
        total += times * (_SATURATION + 1) / (times + damped)
    return round(total / len(phrases), 1)


def _spaced(phrase: Phrase) -> str:
    end = "" if phrase.is_beginning else " "
    return f" {'  '.join(phrase.terms)}{end}"
