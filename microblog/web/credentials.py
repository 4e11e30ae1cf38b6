"""Name and password: whose they are, told to every door in the same way and in the same time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from microblog.domain import users
from microblog.logs import audit
from microblog.web import client, limiting, scope


@asynccontextmanager
async def entrance() -> AsyncIterator[None]:
    """Stand in line at the entrance; other requests go on meanwhile."""
    scope.step_aside()
    async with scope.resources().entrance:
        yield


async def check(name: str, password: str) -> int | None:
    """The id of the person whose name (or address) and password these are; ``None`` if nobody's.

    A wrong guess counts for the account and for the address it comes from, whichever door it is
    tried at; a right one is given back if the request succeeds. Raises
    :class:`~microblog.domain.errors.TooManyRequests`. Hashing takes long on purpose: whoever asks
    stands in line at the :func:`entrance`.
    """
    claims = limiting.login_claims(name)
    await limiting.spend(claims)
    async with scope.resources().database.reading() as session:
        found = await users.find_credentials(session, name)
    right = await scope.resources().hasher.verify(found.password_hash, password)
    if not right or found.user_id is None:
        audit("failed login", user_id=found.user_id, address=client.address())
        return None
    await limiting.give_back(scope.session(), claims)
    return found.user_id
