"""The websocket ``/live``: who may open it, what it asks for, and the two directions of one socket.

A socket holds no database session while it waits.
"""

import asyncio
import json
from contextlib import suppress
from typing import Any

from quart import abort, g, websocket

from microblog import i18n
from microblog.domain import users
from microblog.domain.actors import Actor
from microblog.domain.errors import NotFound
from microblog.live import outbox, wire
from microblog.live.audience import Channels, Reader
from microblog.live.hub import Hub
from microblog.web import access, csrf, identity, scope
from microblog.web.live.blueprint import bp

_LONGEST_MESSAGE = 4096
_MOST_CHANNELS = 20
# A peer that takes no byte for this long is dead, or wants to be.
_SEND_SECONDS = 30.0


class UnknownChannel(Exception):
    """A channel that there is not."""


class DeadPeer(Exception):
    """A peer that takes nothing any more; there is nobody to say it to."""


@bp.websocket("/live")
@access.socket
async def live() -> None:
    """Serve one reader until either side has had enough."""
    actor, since = await _checked()
    hub = scope.resources().hub
    await websocket.accept()
    if hub.sockets[actor.id] >= _most():
        await websocket.close(outbox.TOO_MANY)
        return
    hub.sockets[actor.id] += 1
    try:
        await _serve(hub, actor, since)
    finally:
        hub.sockets[actor.id] -= 1
        if not hub.sockets[actor.id]:
            del hub.sockets[actor.id]


async def _checked() -> tuple[Actor, int | None]:
    """Refuse before the handshake: 400 for a bad ``since``, 401, 403, 503."""
    origin = websocket.headers.get("Origin")
    if origin is not None and not csrf.is_own_origin(origin, websocket.headers.get("Host", "")):
        abort(403)
    token = identity.login_token()
    actor = g.actor = await identity.find_actor(token) if token else None
    if actor is None:
        abort(401)
    raw = websocket.args.get("since")
    if raw is not None and not (raw.isascii() and raw.isdigit() and len(raw) < 19):
        abort(400)
    hub = scope.resources().hub
    most = scope.settings().limits.scaled(hub.settings.connections_total)
    if hub.closing or hub.sockets.total() >= most:
        abort(503)
    return actor, None if raw is None else int(raw)


def _most() -> int:
    settings = scope.settings()
    return settings.limits.scaled(settings.live.connections_per_user)


async def _serve(hub: Hub, actor: Actor, since: int | None) -> None:
    try:
        channels = await _channels(websocket.args.get("channels", "home").split(","))
    except UnknownChannel:
        await websocket.close(outbox.UNSUPPORTED)
        return
    reader = await hub.admit(actor, _language(actor), channels)
    tasks = {
        asyncio.create_task(_tell(hub, reader, since)),
        asyncio.create_task(_listen(hub, reader)),
    }
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            with suppress(DeadPeer):
                task.result()
    finally:
        hub.leave(reader)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _tell(hub: Hub, reader: Reader, since: int | None) -> None:
    """Everything that goes out, in order; ends with the close frame."""
    heartbeat = hub.settings.heartbeat
    await _send(wire.frame("hello", reader.newest, heartbeat=heartbeat, user=reader.actor.username))
    async for frame in hub.catch_up(reader, since):
        if reader.outbox.close_code is not None:
            break
        await _send(frame)
    while reader.outbox.close_code is None:
        waiting = await reader.outbox.get(heartbeat)
        if waiting is not None:
            await _send(waiting)
        elif reader.outbox.close_code is None:
            await _send(wire.frame("heartbeat", hub.position))
    await websocket.close(reader.outbox.close_code)


async def _send(frame: str) -> None:
    try:
        async with asyncio.timeout(_SEND_SECONDS):
            await websocket.send(frame)
    except TimeoutError:
        raise DeadPeer from None


async def _listen(hub: Hub, reader: Reader) -> None:
    """Everything that comes in: new channels, or an end."""
    while reader.outbox.close_code is None:
        message = await websocket.receive()
        if _size(message) > _LONGEST_MESSAGE:
            reader.outbox.close(outbox.TOO_BIG)
        else:
            try:
                hub.audience.tune(reader, await _channels(_subscription(message)))
            except UnknownChannel:
                reader.outbox.close(outbox.UNSUPPORTED)
    await asyncio.Event().wait()  # what is left is to be told, not heard


def _size(message: str | bytes) -> int:
    return len(message.encode() if isinstance(message, str) else message)


def _subscription(message: Any) -> list[str]:
    try:
        wish = json.loads(message) if isinstance(message, str) else None
    except (ValueError, RecursionError):
        wish = None
    if not isinstance(wish, dict) or wish.get("type") != "subscribe":
        raise UnknownChannel
    names = wish.get("channels")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise UnknownChannel
    return names


async def _channels(names: list[str]) -> Channels:
    """Raise :class:`UnknownChannel` for anything but ``home``, ``explore``, ``user:<username>``."""
    if len(names) > _MOST_CHANNELS:
        raise UnknownChannel
    profiles = {}
    for name in names:
        kind, _, username = name.partition(":")
        if kind == "user":
            profiles[await _person(username)] = name
        elif name not in ("home", "explore"):
            raise UnknownChannel
    return Channels(home="home" in names, explore="explore" in names, profiles=profiles)


async def _person(username: str) -> int:
    try:
        async with scope.resources().database.reading() as session:
            return (await users.by_username(session, username)).id
    except NotFound:
        raise UnknownChannel from None


def _language(actor: Actor) -> str:
    offered = scope.settings().languages.offered
    wishes = websocket.cookies.get("language"), websocket.headers.get("Accept-Language")
    return i18n.choose(offered, actor.language, *wishes)
