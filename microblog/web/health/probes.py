"""Probes: is the process alive, and can it serve."""

import asyncio
from collections.abc import Awaitable, Callable

from quart import Response, abort, jsonify

from microblog import migrations
from microblog.database import UNAVAILABLE
from microblog.domain import tasks, users
from microblog.domain.search import outbox
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
    """The database answers, its schema is the newest, an event goes round, and services run."""
    texts = await asyncio.gather(*map(_told, _CHECKS.values()))
    checks = dict(zip(_CHECKS, texts, strict=True))
    checks |= {name: service.health for name, service in scope.resources().services.items()}
    well = all(text.startswith("ok") for text in checks.values())
    status = "ok" if well else "failing"
    return jsonify({"status": status, "checks": checks}), 200 if well else 503


@bp.route("/metrics")
@access.machines
async def metrics() -> Response:
    """A few figures as Prometheus reads them, where the operator allows it."""
    if not scope.settings().server.metrics:
        abort(404)
    hub, kept = scope.resources().hub, scope.resources().memory.kept
    lines = (
        "# TYPE microblog_sockets gauge",
        f"microblog_sockets {len(hub.audience)}",
        "# TYPE microblog_event_position counter",
        f"microblog_event_position {hub.position}",
        "# TYPE microblog_memory_values gauge",
        f"microblog_memory_values {len(kept)}",
        "# TYPE microblog_memory_reads_total counter",
        f'microblog_memory_reads_total{{found="yes"}} {kept.hits}',
        f'microblog_memory_reads_total{{found="no"}} {kept.misses}',
        "# TYPE microblog_memory_dropped_total counter",
        f"microblog_memory_dropped_total {kept.dropped}",
        *await _figures_of_work(),
        *await _figures_of_translation(),
        "",
    )
    return Response("\n".join(lines), content_type="text/plain; version=0.0.4; charset=utf-8")


async def _figures_of_work() -> list[str]:
    """Tasks that wait, run, or have failed within a day, and posts that wait for the search engine.

    Nothing while nobody can count them.
    """
    try:
        async with scope.resources().database.reading() as session:
            counted = await tasks.counts(session)
            noted = await outbox.length(session)
    except UNAVAILABLE:
        return []
    lines = [
        f'microblog_tasks{{name="{name}",state="{state}"}} {number}'
        for name, state, number in counted
    ]
    return [
        "# TYPE microblog_tasks gauge",
        *lines,
        "# TYPE microblog_search_outbox gauge",
        f"microblog_search_outbox {noted}",
    ]


async def _figures_of_translation() -> list[str]:
    """What today's translations have cost, of what, and whether the service is well."""
    interpreter = scope.resources().interpreter
    if interpreter.is_off:
        return []
    try:
        spent = await interpreter.spent_today()
    except UNAVAILABLE:
        return []
    state = interpreter.translator.breaker.state
    return [
        "# TYPE microblog_translated_characters_today gauge",
        f"microblog_translated_characters_today {spent}",
        "# TYPE microblog_translation_budget gauge",
        f"microblog_translation_budget {interpreter.budget}",
        "# TYPE microblog_translator_resting gauge",
        f"microblog_translator_resting {int(state != 'closed')}",
    ]


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
    trouble = await scope.resources().roundtrip.ping()
    return f"ok, {trouble}" if trouble else "ok"


_CHECKS: dict[str, Check] = {"database": _database, "migrations": _migrations, "bus": _bus}
