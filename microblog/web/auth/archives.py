"""Fetching an archive: by its owner, as long as it is offered."""

from typing import Any

from microblog.domain import archives
from microblog.web import access, fetching, scope
from microblog.web.auth.blueprint import bp


@bp.get("/account/archives/<name>")
@access.members
async def archive(name: str) -> Any:
    """The file, from the disk as the reader takes it."""
    return await fetching.answer(
        await archives.by_name(scope.session(), scope.viewer(), name.removesuffix(".zip"))
    )
