"""What a reader may ask for: names of channels, in the address or in a message."""

import json
from collections.abc import Sequence
from typing import Any

from microblog.database import Database
from microblog.domain import users
from microblog.domain.errors import NotFound
from microblog.live.audience import Channels

_MOST_CHANNELS = 20


class UnknownChannel(Exception):
    """A channel that there is not."""


def wished(message: str | bytes | None) -> list[str]:
    """The names in a message from the reader. Raises :class:`UnknownChannel` if it is no wish."""
    try:
        wish: Any = json.loads(message) if isinstance(message, str) else None
    except (ValueError, RecursionError):
        wish = None
    if not isinstance(wish, dict) or wish.get("type") != "subscribe":
        raise UnknownChannel
    names = wish.get("channels")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise UnknownChannel
    return names


async def found(database: Database, names: Sequence[str]) -> Channels:
    """Raise :class:`UnknownChannel` for a name that is none.

    There are ``home``, ``explore``, ``user:<username>``; and ``notifications``, which is what comes
    anyway, for pages that want nothing else.
    """
    if len(names) > _MOST_CHANNELS:
        raise UnknownChannel
    profiles = {}
    for name in names:
        kind, _, username = name.partition(":")
        if kind == "user":
            profiles[await _person(database, username)] = name
        elif name not in ("home", "explore", "notifications"):
            raise UnknownChannel
    return Channels(home="home" in names, explore="explore" in names, profiles=profiles)


async def _person(database: Database, username: str) -> int:
    try:
        async with database.reading() as session:
            return (await users.by_username(session, username)).id
    except NotFound:
        raise UnknownChannel from None
