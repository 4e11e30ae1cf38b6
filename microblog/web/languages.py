"""Which languages the person of this request reads and writes."""

from collections.abc import Sequence
from functools import cache
from unicodedata import combining, normalize

from quart import g, request

from microblog import i18n
from microblog.adapters.language import KNOWN
from microblog.domain import tongues
from microblog.domain.posts import PostView
from microblog.web import scope

# In the form: the language is to be found out.
AUTO = ""


def accepted() -> list[str]:
    """The languages that the browser asks for, the most wanted first."""
    return i18n.preferences(request.headers.get("Accept-Language", ""))


def is_foreign(post: PostView) -> bool:
    """Whether the post is in a language that the person does not read."""
    return tongues.is_foreign(post.language, read())


def read() -> frozenset[str]:
    """The languages that the person reads, without their regions."""
    if "reads" not in g:
        actor = scope.find_viewer()
        spoken = i18n.language()
        g.reads = (
            frozenset({i18n.base(spoken)})
            if actor is None
            else tongues.read_by(actor, spoken=spoken, accepted=accepted())
        )
    found: frozenset[str] = g.reads
    return found


async def language_of(body: str, choice: str) -> str:
    """The language of a text that somebody writes: as they chose, else as it looks.

    To be asked before anything is written: it takes a moment, and perhaps a connection of its own.
    """
    if choice != AUTO:
        return choice
    resources = scope.resources()

    async def habits() -> list[str]:
        async with resources.database.reading() as session:
            return await tongues.habits(session, scope.viewer())

    return await resources.detector.detect(body, leaning=accepted(), habits=habits)


def choices() -> list[tuple[str, str]]:
    """The languages that people read and write here, with their own names."""
    return list(_choices(tuple(scope.settings().languages.offered)))


@cache
def _choices(offers: tuple[str, ...]) -> Sequence[tuple[str, str]]:
    offered = {i18n.base(code) for code in offers}
    names = KNOWN | {code: i18n.autonym(code) for code in offered - KNOWN.keys()}
    return sorted(names.items(), key=_by_letters)


def _by_letters(choice: tuple[str, str]) -> str:
    # Without their signs: Čeština stands among the words with C.
    letters = normalize("NFKD", choice[1])
    return "".join(letter for letter in letters if not combining(letter)).casefold()
