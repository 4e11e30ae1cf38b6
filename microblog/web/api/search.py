"""Posts by what they say."""

from datetime import UTC
from typing import Any

from pydantic import Field

from microblog.domain import tokens
from microblog.domain.errors import Invalid
from microblog.domain.paging import DEEPEST_PAGE
from microblog.domain.search.query import LONGEST, legible, parse
from microblog.web import searching
from microblog.web.api.blueprint import bp
from microblog.web.api.collections import Meta, PageLinks, Paging, page_links
from microblog.web.api.operations import operation
from microblog.web.api.shapes import Shape
from microblog.web.api.writing import Post, shown


class Wanted(Paging):
    """What is looked for, and which page of what is found."""

    q: str = Field(
        description=(
            'Words that must all be there, `#tag`, `@name`, `begin*`, `"side by side"`, `-without`,'
            " `from:name`, `lang:xx`, `before:` and `after:` a year, month or day in UTC. Nothing"
            f" but blanks is refused; of more than {LONGEST} characters only the first count."
        ),
        examples=["hello from:susan"],
    )


class FoundMeta(Meta):
    """Where in what was found this page is."""

    is_cut: bool = Field(
        description="Whether there may be other posts, added earlier, that were not looked at.",
        examples=[False],
    )


class FoundPosts(Shape):
    """A page of posts, best first; of two that answer alike the newer first."""

    items: list[Post]
    meta: FoundMeta = Field(serialization_alias="_meta")
    links: PageLinks = Field(serialization_alias="_links")


@bp.get("/search")
@operation("search", scope=tokens.READ, query=Wanted, answers={200: FoundPosts})
async def search_posts(query_args: Wanted) -> Any:
    """Posts by relevance."""
    typed = legible(query_args.q)
    if not typed:
        raise Invalid("Something to look for is needed.", field="q")
    size, number = query_args.size, min(query_args.page, DEEPEST_PAGE + 1)
    found = await searching.find(parse(typed, zone=UTC), number=number, size=size)
    pages = -(-found.total // size)
    return FoundPosts(
        items=[shown(post) for post in found.posts],
        meta=FoundMeta(
            page=query_args.page,
            per_page=size,
            total_pages=pages,
            total_items=found.total,
            is_cut=found.is_cut,
        ),
        links=page_links("/api/search", query_args, pages, q=typed),
    )
