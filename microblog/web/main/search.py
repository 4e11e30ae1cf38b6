"""What a reader looks for: posts by relevance, and people of that name."""

from typing import Any

from quart import redirect, request, url_for

from microblog import i18n
from microblog.domain.paging import place
from microblog.domain.search import people
from microblog.domain.search.query import legible, parse
from microblog.i18n import gettext as _
from microblog.web import access, scope, searching
from microblog.web.main.blueprint import bp
from microblog.web.rendering import Pager, page


@bp.get("/search")
@access.members
async def search() -> Any:
    """Posts that have all the words, best first; a blank question leads to all posts."""
    typed = legible(request.args.get("q", ""))
    if not typed:
        return redirect(url_for("main.explore"))
    query = parse(typed, zone=i18n.time_zone())
    number = place(page=request.args.get("page")).page
    size = scope.settings().posts.per_page
    found = await searching.find(query, number=number, size=size)
    return page(
        "search.html",
        title=_("Search"),
        typed=typed,
        phrases=query.phrases,
        people=await people.find(scope.session(), query) if number == 1 else [],
        posts=found.posts,
        found=found,
        page_number=number,
        time_zone=str(i18n.time_zone()),
        pager=_pager(typed, number, found.total, size),
    )


def _pager(typed: str, number: int, total: int, size: int) -> Pager:
    last = -(-total // size) or 1
    return Pager(
        newer=_address(typed, min(number - 1, last)) if number > 1 else None,
        older=_address(typed, number + 1) if number < last else None,
    )


def _address(typed: str, number: int) -> str:
    values: dict[str, Any] = {"q": typed} | ({"page": number} if number > 1 else {})
    return url_for("main.search", **values)
