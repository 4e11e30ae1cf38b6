"""Probes: is the process alive, and can it serve."""

from quart import Response, abort, current_app, jsonify

from microblog.database import UNAVAILABLE
from microblog.domain import tasks
from microblog.domain.search import outbox
from microblog.web import access, scope
from microblog.web.edge import EXTENSION, Crowd
from microblog.web.health.blueprint import bp
from microblog.web.health.readiness import Readiness

_READINESS = "microblog.readiness"


@bp.route("/livez")
@access.machines
async def livez() -> Response:
    """The process lives; nothing else is asked."""
    return Response("ok\n", content_type="text/plain; charset=utf-8")


@bp.route("/readyz")
@access.machines
async def readyz() -> tuple[Response, int]:
    """The database answers, its schema is the newest, an event goes round, and services run."""
    extensions = current_app.extensions
    if _READINESS not in extensions:
        extensions[_READINESS] = Readiness(scope.resources())
    readiness: Readiness = extensions[_READINESS]
    checks = await readiness.checks()
    well = all(text.startswith("ok") for text in checks.values())
    status = "ok" if well else "failing"
    return jsonify({"status": status, "checks": checks}), 200 if well else 503


@bp.route("/metrics")
@access.machines
async def metrics() -> Response:
    """A few figures as Prometheus reads them, where the operator allows it."""
    if not scope.settings().server.metrics:
        abort(404)
    crowd: Crowd = current_app.extensions[EXTENSION].crowd
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
        "# TYPE microblog_requests_refused_total counter",
        *(
            f'microblog_requests_refused_total{{line="{line}"}} {number}'
            for line, number in crowd.refused.items()
        ),
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
