"""How the service says no: as a page in its own layout, or as JSON, never as a trace."""

import json
import logging
from http import HTTPStatus
from typing import Any

from quart import Quart, Response, g, request
from werkzeug.exceptions import HTTPException

from microblog import logs
from microblog.database import UNAVAILABLE
from microblog.domain.errors import Busy, Refusal, TooManyRequests
from microblog.i18n import gettext as _
from microblog.i18n import marked
from microblog.web import csrf, forms, identity, negotiation, rendering, scope
from microblog.web.edge.asgi import Scope

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
}
_RETRY_SECONDS = "5"


def install(app: Quart) -> None:
    """Register the one way in which everything that goes wrong is answered."""
    # A page that tells of an error may have asked who is here.
    app.teardown_request(scope.close)
    app.register_error_handler(Refusal, _refused)
    app.register_error_handler(HTTPException, _http)
    for kind in UNAVAILABLE:
        app.register_error_handler(kind, _unavailable)
    app.register_error_handler(Exception, _failed)


async def _refused(refusal: Refusal) -> Response:
    text = _(refusal.message, **refusal.values)
    headers = {}
    if isinstance(refusal, TooManyRequests):
        headers["Retry-After"] = str(refusal.retry_after)
    elif isinstance(refusal, Busy):
        headers["Retry-After"] = _RETRY_SECONDS
    return await answer(refusal.status, text if refusal.status != 404 else "", headers=headers)


async def _http(error: HTTPException) -> Response:
    status = error.code or 500
    if status < 400:  # a redirect that routing raised
        return error.get_response()  # type: ignore[return-value]
    text = _(csrf.Forged.description) if isinstance(error, csrf.Forged) else None
    kept = {name: value for name, value in error.get_headers() if name == "Allow"}
    return await answer(status, text, headers=kept)


async def _unavailable(error: Exception) -> Response:
    log.error("the database did not answer: %s", error)
    return await answer(503, headers={"Retry-After": _RETRY_SECONDS})


async def _failed(error: Exception) -> Response:
    number = logs.request_id()
    log.error("unhandled error, request %s", number, exc_info=error)
    return await answer(500, request_id=number)


async def answer(
    status: int,
    text: str | None = None,
    *,
    headers: dict[str, str] | None = None,
    request_id: str = "",
) -> Response:
    """The answer for a status, as page or JSON; ``text`` replaces the usual words."""
    heading, usual = words(status)
    text = usual if text is None else text
    if negotiation.error_as_json():
        body = problem(status, text or heading)
        response = Response(body, status=status, content_type="application/problem+json")
    else:
        response = await _error_page(status, heading, text, request_id)
    response.headers.update(headers or {})
    return response


async def _error_page(status: int, heading: str, text: str, request_id: str) -> Response:
    if status < 500:
        try:
            await identity.recognise()
        except UNAVAILABLE:
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
    """RFC 9457, with the two members that the API has always had."""
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


def edge_refusal(app: Quart) -> Any:
    """How the edge, which stands before the application, draws its refusals."""
    pages: rendering.Pages = app.extensions[rendering.EXTENSION]

    def refuse(asgi: Scope, status: int, detail: str) -> tuple[str, str]:
        accepted = b",".join(v for k, v in asgi["headers"] if k == b"accept")
        if asgi.get("path", "").startswith("/api") or b"text/html" not in accepted:
            return "application/problem+json", problem(status, detail)
        heading, _usual = words(status)
        text = pages.render(
            "errors/error.html",
            viewer=None,
            csrf_token="",
            confirmation_wanted=False,
            languages=[],
            here_path="",
            flashes=[],
            title=None,
            status=status,
            heading=heading,
            text=detail,
            request_id="",
        )
        return "text/html; charset=utf-8", text

    return refuse
