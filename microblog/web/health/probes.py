"""Probes: is the process alive, and can it serve."""

import asyncio
from collections.abc import Awaitable, Callable

from quart import Response, abort, jsonify

from microblog import migrations
from microblog.database import UNAVAILABLE
from microblog.domain import users
from microblog.web import access, scope
from microblog.web.health.blueprint import bp

_PATIENCE = 3.0

Check = Callable[[], Awaitable[str]]


@bp.route("/livez")
@access.machines
async def livez() -> Response:
    """The process lives; nothing else is asked."""
    return Response("ok\n", content_type="text/plain; charset=utf-8")


@bp.route("/readyz")
@access.machines
async def readyz() -> tuple[Response, int]:
    """The database answers, its schema is the newest, and an event goes round the bus."""
    checks = {name: await _told(check) for name, check in _CHECKS.items()}
    well = all(text.startswith("ok") for text in checks.values())
    status = "ok" if well else "failing"
    return jsonify({"status": status, "checks": checks}), 200 if well else 503


@bp.route("/metrics")
@access.machines
async def metrics() -> Response:
    """A few figures as Prometheus reads them, where the operator allows it."""
    if not scope.settings().server.metrics:
        abort(404)
    hub = scope.resources().hub
    lines = (
        "# TYPE microblog_sockets gauge",
        f"microblog_sockets {len(hub.audience)}",
        "# TYPE microblog_event_position counter",
        f"microblog_event_position {hub.position}",
        "",
    )
    return Response("\n".join(lines), content_type="text/plain; version=0.0.4; charset=utf-8")


async def _told(check: Check) -> str:
    try:
        async with asyncio.timeout(_PATIENCE):
            return await check()
    except TimeoutError:
        return f"no answer within {_PATIENCE:.0f} s"
    except UNAVAILABLE as error:
        return f"failed: {type(error).__name__}"


async def _database() -> str:
    async with scope.resources().database.reading() as session:
        await users.any_exists(session)
    return "ok"


async def _migrations() -> str:
    async with scope.resources().database.reading() as session:
        current = await migrations.current(session)
    newest = migrations.newest()
    return f"ok, at {current}" if current == newest else f"at {current}, newest is {newest}"


async def _bus() -> str:
    await scope.resources().ping()
    return "ok"


_CHECKS: dict[str, Check] = {"database": _database, "migrations": _migrations, "bus": _bus}
