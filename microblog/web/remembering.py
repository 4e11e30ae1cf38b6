"""What a request may be answered with out of memory: asked once for each, before anything is read.

The pages' lists come from here. What only a deeper page shows, and what a form is shown with again,
is read in the request's own unit of work.
"""

from collections.abc import Callable

from quart import g, request
from sqlalchemy.ext.asyncio import AsyncSession

from microblog.domain.actors import Actor
from microblog.domain.paging import Place, Slice
from microblog.domain.posts import PostView
from microblog.domain.users import Profile
from microblog.live.memory import Alone, Home
from microblog.web import scope


async def is_possible() -> bool:
    """Whether memory knows of all that was committed before this request or handshake came."""
    if "remembers" not in g:
        g.remembers = await scope.resources().memory.now()
    found: bool = g.remembers
    return found


async def home(actor: Actor, place: Place, *, size: int) -> Home:
    """What the actor reads."""
    memory = scope.resources().memory
    return await memory.home(await _own(place), actor, place, size=size)


async def explore(place: Place, *, size: int) -> Slice[PostView]:
    """Everybody's posts."""
    return await scope.resources().memory.explore(await _own(place), place, size=size)


async def by_author(author_id: int, place: Place, *, size: int) -> Slice[PostView]:
    """One person's posts. Raises :class:`~microblog.domain.errors.NotFound`."""
    memory = scope.resources().memory
    return await memory.by_author(await _own(place), author_id, place, size=size)


async def profile(actor: Actor, username: str) -> Profile:
    """A person. Raises :class:`~microblog.domain.errors.NotFound`."""
    return await scope.resources().memory.profile(await _own(), actor, username)


async def post(post_id: int) -> Alone:
    """One post. Raises :class:`~microblog.domain.errors.NotFound`."""
    return await scope.resources().memory.post(await _own(), post_id)


async def _own(place: Place | None = None) -> Callable[[], AsyncSession] | None:
    """The request's own session, if memory cannot answer."""
    is_kept = place is None or place.is_newest
    if is_kept and request.method in scope.SAFE_METHODS and await is_possible():
        await scope.pause()
        return None
    return scope.session
