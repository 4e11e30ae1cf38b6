"""Posts that a query finds: asked of the search engine where there is one, else of the database.

Both match by the same rule, so the database can stand in at any moment; only the order of results
is each one's own.
"""

import logging
from dataclasses import dataclass

from microblog.adapters.search_engine import EngineDown, EngineResting, Hits, SearchEngine
from microblog.domain.posts import PostView
from microblog.domain.search import entries, finding
from microblog.domain.search.query import Query
from microblog.web import scope

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Results:
    """A page of posts, best first, and how many there are on all pages.

    ``is_cut``: there may be others, added earlier, which were not looked at.
    """

    posts: list[PostView]
    total: int
    is_cut: bool = False


async def find(query: Query, *, number: int, size: int) -> Results:
    """The page of that number, from 1 on. Deleted posts are in none, whatever an engine says."""
    offset = (number - 1) * size
    engine = scope.resources().search_engine
    hits = None if engine is None else await _ask(engine, query, offset=offset, size=size)
    if hits is not None:
        return Results(await finding.read(scope.session(), hits.post_ids), hits.total)
    found = await finding.find(scope.session(), query)
    posts = await finding.read(scope.session(), found.post_ids[offset : offset + size])
    return Results(posts, len(found.post_ids), found.is_cut)


async def _ask(engine: SearchEngine, query: Query, *, offset: int, size: int) -> Hits | None:
    question = await entries.find_question(scope.session(), query, offset=offset, size=size)
    if question is None:
        return Hits()
    # Nobody keeps a connection to the database while waiting for somebody else.
    await scope.close()
    scope.step_aside()
    try:
        return await engine.find(question)
    except EngineResting:
        return None
    except EngineDown as error:
        log.warning("%s does not answer, the database does instead: %s", engine.name, error)
        return None
