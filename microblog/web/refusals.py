"""How the service says no: as a page in its own layout, or as JSON, never as a trace."""

import errno
import json
import logging
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from quart import Quart, Response, g, has_request_context, request
from quart_schema import RequestSchemaValidationError
from werkzeug.exceptions import HTTPException

from microblog import database, logs
from microblog.adapters.shelf import is_full
from microblog.domain.errors import Busy, Invalid, Refusal, TooManyRequests, UnderWay
from microblog.i18n import gettext as _
from microblog.i18n import marked
from microblog.web import csrf, forms, identity, limiting, negotiation, problems, rendering, scope
from microblog.web.challenges import Insufficient, Unidentified
from microblog.web.problems import Fault

log = logging.getLogger(__name__)

# Heading and text of each status, in the words of the catalogue.
_WORDS = {
    400: (marked("Bad Request"), marked("This request could not be understood.")),
    401: (marked("Please log in"), marked("Please log in to access this page.")),
    403: (marked("Not allowed"), marked("You may not do this.")),
    404: (marked("File Not Found"), ""),
    405: (marked("Not possible here"), marked("This address does not take requests of that kind.")),
    408: (marked("Too slow"), marked("Your request took too long to arrive. Please try again.")),
    413: (marked("Too large"), marked("What you sent is larger than this page takes.")),
    414: (marked("Too long"), marked("This address is longer than any of ours.")),
    415: (
        marked("Unknown format"),
        marked("What you sent is in a format that is not understood here."),
    ),
    421: (marked("Wrong address"), marked("This service has another address.")),
    429: (
        marked("Too many requests"),
        marked("Too many attempts. Please wait a little and try again."),
    ),
    431: (marked("Too much"), marked("Your browser sent more headers than are taken here.")),
    500: (
        marked("An unexpected error has occurred"),
        marked("The administrator has been notified. Sorry for the inconvenience!"),
    ),
    503: (marked("Busy"), marked("The service is busy. Please try again in a moment.")),
    507: (
        marked("No room left"),
        marked("There is no room left on the server's disk. Please try again later."),
    ),
}
_RETRY_SECONDS = "5"
# Of files and connections there are as many open as may be.
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE})
_PLAIN = "text/plain; charset=utf-8"
# Of an error that the framework raised.
_KEPT_HEADERS = ("Allow", "WWW-Authenticate")


def install(app: Quart) -> None:
    """Register the one way in which everything that goes wrong is answered."""
    # A page that tells of an error may have asked who is here.
    app.teardown_request(scope.close)
    app.register_error_handler(Refusal, _refused)
    app.register_error_handler(HTTPException, _http)
    for kind in database.UNAVAILABLE:
        app.register_error_handler(kind, _unavailable)
    app.register_error_handler(OSError, _disk)
    app.register_error_handler(Exception, _failed)


async def _refused(refusal: Refusal) -> Response:
    text = _(refusal.message, **refusal.values)
    headers = {}
    if isinstance(refusal, TooManyRequests | Busy | UnderWay):
        headers["Retry-After"] = str(refusal.retry_after)
    if isinstance(refusal, TooManyRequests):
        limiting.note_refusal(refusal)
    if isinstance(refusal, Insufficient):
        headers["WWW-Authenticate"] = refusal.challenge
    if refusal.status == 404:
        text = ""
    faults = [Fault(refusal.field, text)] if isinstance(refusal, Invalid) and refusal.field else []
    return await answer(refusal.status, text, headers=headers, faults=faults)


async def _http(error: HTTPException) -> Response:
    status = error.code or 500
    if status < 400:  # a redirect that routing raised
        return error.get_response()  # type: ignore[return-value]
    text = _(error.description) if isinstance(error, csrf.Forged | Unidentified) else None
    faults: list[Fault] = []
    if isinstance(error, RequestSchemaValidationError):
        faults = problems.faults_in(error.validation_error)
        text = problems.in_one_line(faults) or None
    kept = {name: value for name, value in error.get_headers() if name in _KEPT_HEADERS}
    return await answer(status, text, headers=kept, faults=faults)


async def _unavailable(error: Exception) -> Response:
    log.error("the database did not answer: %s", error)
    # It is no less temporary than the rest: reading goes on, and an operator can make room.
    text = words(507)[1] if database.is_full(error) else None
    return await answer(503, text, headers={"Retry-After": _RETRY_SECONDS})


async def _disk(error: OSError) -> Response:
    if error.errno in _EXHAUSTED:
        log.error("no more files can be opened: %s", error)
        return await answer(503, headers={"Retry-After": _RETRY_SECONDS})
    if not is_full(error):
        return await _failed(error)
    log.error("the disk is full: %s", error)
    if has_request_context() and negotiation.is_api(request.path):
        return await answer(503, words(507)[1], headers={"Retry-After": _RETRY_SECONDS})
    return await answer(507)


async def _failed(error: Exception) -> Response:
    number = logs.request_id()
    log.error("unhandled error, request %s", number, exc_info=error)
    return await answer(500, request_id=number)


async def answer(
    status: int,
    text: str | None = None,
    *,
    headers: dict[str, str] | None = None,
    faults: Iterable[Fault] = (),
    request_id: str = "",
) -> Response:
    """The answer for a status, as page or JSON; ``text`` replaces the usual words."""
    heading, usual = words(status)
    if has_request_context() and negotiation.is_api(request.path):
        body = problems.told(status, text or "", faults=faults, request_id=request_id)
        response = Response(body, status=status, content_type=problems.CONTENT_TYPE)
        response.headers.update(headers or {})
        return response
    text = usual if text is None else text
    if negotiation.error_as_json():
        body = problem(status, text or heading)
        response = Response(body, status=status, content_type=problems.CONTENT_TYPE)
    else:
        try:
            response = await _error_page(status, heading, text, request_id)
        except OSError as error:  # what is to be drawn must be read first
            log.error("the page for a refusal could not be drawn: %s", error)  # noqa: TRY400 - the system's reason is all
            response = Response(f"{heading}\n{text}\n", status=status, content_type=_PLAIN)
    response.headers.update(headers or {})
    return response


async def _error_page(status: int, heading: str, text: str, request_id: str) -> Response:
    if status < 500:
        try:
            await identity.recognise()
        except database.UNAVAILABLE:
            g.actor = None
    return rendering.page(
        "errors/error.html",
        status=status,
        heading=heading,
        text=text,
        request_id=request_id,
        kept=await _typed() if status >= 400 else [],
    )


async def _typed() -> list[tuple[str, str]]:
    """What somebody sent and would otherwise lose."""
    if request.method != "POST" or request.mimetype != "application/x-www-form-urlencoded":
        return []
    try:
        return forms.typed(await request.form)
    except HTTPException:
        return []


def words(status: int) -> tuple[str, str]:
    """Heading and text for a status, in the language of the moment."""
    heading, text = _WORDS.get(status) or (HTTPStatus(status).phrase, "")
    return _(heading), _(text)


def problem(status: int, detail: str) -> str:
    """A problem outside of the API, where kinds have no address of their own."""
    title = HTTPStatus(status).phrase
    members: dict[str, Any] = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "error": title,
        "message": detail,
    }
    return json.dumps(members, ensure_ascii=False)
