"""Each request in the log: its number, its line, and a word when it was slow.

The number is also in the answer, so that somebody who reports a fault can name it.
"""

import logging
import random
from collections.abc import Callable

from quart import Quart, Response, current_app, g, request, websocket

from microblog import logs
from microblog.domain.actors import Actor
from microblog.logs import context
from microblog.settings import Logs
from microblog.web import client, scope

log = logging.getLogger("microblog.access")

EXTENSION = "microblog.journal"
HEADER = "X-Request-Id"
_SWITCHING_PROTOCOLS = 101


def install(app: Quart, settings: Logs) -> None:
    """Before any other hook, so that what the others log knows its request."""
    app.extensions[EXTENSION] = settings
    app.before_request(_begin_request)
    app.after_request(_number)
    app.teardown_request(_end_request)
    app.before_websocket(_begin_websocket)
    app.after_websocket(_note_refusal)  # type: ignore[type-var]  # there may be no answer
    app.teardown_websocket(_end_websocket)


async def _begin_request() -> None:
    _begin(request.method, request.endpoint, client.address())


async def _begin_websocket() -> None:
    # Behind a proxy that address is the proxy's, which tells nobody anything.
    direct = scope.settings().server.trusted_proxies == 0
    visit = _begin("WEBSOCKET", websocket.endpoint, (direct and websocket.remote_addr) or "")
    # Unless it is refused: how an open socket ends has no status.
    visit.status = _SWITCHING_PROTOCOLS


def _begin(method: str, endpoint: str | None, address: str) -> logs.Visit:
    # A number to look for, which anybody may guess.
    number = f"{random.getrandbits(48):012x}"
    visit = logs.Visit(number, method[:16], endpoint or "-", address, _whose())
    logs.begin(visit)
    return visit


def _whose() -> Callable[[], int | None]:
    # The object itself, not the name that stands for it: other tasks and threads log, too.
    here = g._get_current_object()  # noqa: SLF001 - documented so

    def whose() -> int | None:
        actor: Actor | None = here.get("actor")
        return actor.id if actor is not None else None

    return whose


async def _number(response: Response) -> Response:
    visit = context.current()
    if visit is not None:
        visit.status = response.status_code
        response.headers[HEADER] = visit.id
    return response


async def _note_refusal(response: Response | None) -> Response | None:
    visit = context.current()
    if visit is not None and response is not None:
        visit.status = response.status_code
    return response


async def _end_request(_error: BaseException | None) -> None:
    """Here, and not when the answer is ready: a client may leave before there is one."""
    visit = context.current()
    if visit is None:
        return
    settings: Logs = current_app.extensions[EXTENSION]
    took = visit.milliseconds
    _write(visit, took, settings)
    if took > settings.slow_request * 1000:
        fields = {"status": visit.status or 0, "ms": round(took, 1)}
        text = "slow request, %.0f ms: %s %s"
        log.warning(text, took, visit.method, visit.route, extra={"fields": fields})


async def _end_websocket(_error: BaseException | None) -> None:
    visit = context.current()
    if visit is not None and not g.get("stays_open"):
        _write(visit, visit.milliseconds, current_app.extensions[EXTENSION])


def keep_open() -> None:
    """The line of this websocket waits for :func:`end_open`."""
    g.stays_open = True


def end_open(app: Quart) -> None:
    """Write the line of a websocket that was kept open beyond its examination."""
    visit = context.current()
    if visit is not None:
        _write(visit, visit.milliseconds, app.extensions[EXTENSION])


def _write(visit: logs.Visit, took: float, settings: Logs) -> None:
    if not settings.access:
        return
    fields: context.Fields = {"ms": round(took, 1)}
    if visit.status is not None:
        fields["status"] = visit.status
    status = visit.status or "gone"
    text = "%s %s %s %.1f ms"
    log.info(text, visit.method, visit.route, status, took, extra={"fields": fields})
