"""Who may come in: a class of access for every route, and where to go on to."""

from collections.abc import Awaitable, Callable
from enum import Enum
from functools import wraps
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from quart import Quart, Response, flash, redirect, request, url_for
from quart import session as cookie
from werkzeug.exceptions import Unauthorized

from microblog import i18n
from microblog.domain.actors import Actor
from microblog.domain.errors import NotAllowed
from microblog.web import csrf, identity, scope
from microblog.web.challenges import Insufficient, Unidentified
from microblog.web.negotiation import error_as_json, prefers_json

DRAFT = "draft"
# The scope of what every token may do.
ANY_TOKEN = "any"  # noqa: S105 (the name of a scope)
# Programs are told in English.
_NO_TOKEN = "This needs a valid access token."  # noqa: S105 (words)
_NOT_PERMITTED = "This token does not permit that."
_LONGEST_DRAFT = 600
_FORM = "application/x-www-form-urlencoded"

_Handler = TypeVar("_Handler", bound=Callable[..., Awaitable[Any]])


class Access(Enum):
    """Who a route is for."""

    MEMBERS = "people who are logged in"
    VISITORS = "everybody; the page differs for people who are logged in"
    MACHINES = "everybody; no login, cookie or token is looked at"
    PROGRAMS = "programs that carry a token; a cookie is not looked at"
    SOCKET = "checks for itself before it accepts"


class RouteWithoutAccess(RuntimeError):
    """A route that says not whom it is for does not start."""


def members(view: _Handler) -> _Handler:
    """Only for people who are logged in; others are asked to."""
    return _classed(view, Access.MEMBERS)


def visitors(view: _Handler) -> _Handler:
    """For everybody, logged in or not."""
    return _classed(view, Access.VISITORS)


def visitors_by_letter(view: _Handler) -> _Handler:
    """As :func:`visitors`, where the address of the page may be a secret out of a letter.

    Such a page names itself to nobody, so that browsers do not say either where its form is from.
    """
    view.nameless = True  # type: ignore[attr-defined]  # a mark that `enforce` looks for
    return _classed(view, Access.VISITORS)


def members_unconfirmed_too(view: _Handler) -> _Handler:
    """As :func:`members`, also for changes by people whose address is not confirmed yet."""
    view.unconfirmed_too = True  # type: ignore[attr-defined]  # a mark that `enforce` looks for
    return _classed(view, Access.MEMBERS)


def members_by_script(view: _Handler) -> _Handler:
    """As :func:`members`, for what open pages ask for by themselves.

    That is no presence; and whoever asks without a login is told so in JSON, unless it is a
    browser that would rather show a page.
    """
    view.by_script = True  # type: ignore[attr-defined]  # a mark that `enforce` looks for
    return _classed(view, Access.MEMBERS)


def looking_first(look: Callable[[], Awaitable[Any]]) -> Callable[[_Handler], _Handler]:
    """Have ``look`` decide whether it makes sense to read what a person sends.

    It may refuse, or answer in place of the view; it returns ``None`` to go on. Nothing is proven
    at that moment but who it is, so it must change nothing.
    """

    def mark(view: _Handler) -> _Handler:
        view.look = look  # type: ignore[attr-defined]  # a mark that `enforce` looks for
        return view

    return mark


def machines(view: _Handler) -> _Handler:
    """For everybody, without a look at who it is: probes, static files, pictures."""
    return _classed(view, Access.MACHINES)


def programs(needed: str) -> Callable[[_Handler], _Handler]:
    """Only for programs whose token permits this; the browser's cookie is no credential here.

    Several scopes, with blanks between (RFC 6749, 3.3), are all needed. :data:`ANY_TOKEN` permits
    what every token may do, whatever its scopes.
    """

    def mark(view: _Handler) -> _Handler:
        view.token_scope = needed  # type: ignore[attr-defined]  # a mark that `enforce` looks for
        return _classed(view, Access.PROGRAMS)

    return mark


def socket(view: _Handler) -> _Handler:
    """A websocket, which refuses by itself."""
    return _classed(view, Access.SOCKET)


def _classed(view: _Handler, access: Access) -> _Handler:
    view.access = access  # type: ignore[attr-defined]  # a mark that `enforce` looks for
    return view


def enforce(app: Quart) -> None:
    """Put every route behind its class of access. Raises :class:`RouteWithoutAccess`."""
    for endpoint, registered in app.view_functions.items():
        view = cast("scope.View", registered)
        access = getattr(view, "access", None)
        if access is None:
            raise RouteWithoutAccess(f"the route {endpoint} does not say whom it is for")
        if access in (Access.MEMBERS, Access.VISITORS):
            app.view_functions[endpoint] = scope.in_unit_of_work(_guarded(view, access))
        elif access is Access.PROGRAMS:
            app.view_functions[endpoint] = scope.in_unit_of_work(_for_programs(view))
        elif access is Access.MACHINES:
            app.view_functions[endpoint] = scope.in_unit_of_work(view)


def _guarded(view: Callable[..., Awaitable[Any]], access: Access) -> scope.View:
    @wraps(view)
    async def run(**arguments: Any) -> Any:
        by_script = getattr(view, "by_script", False)
        actor = await identity.recognise(present=not by_script)
        if actor is None and access is Access.MEMBERS:
            if by_script and error_as_json():
                raise Unauthorized
            return await ask_to_log_in()
        if request.method not in scope.SAFE_METHODS:
            nameless = getattr(view, "nameless", False)
            # What needs no body comes first: it may be large.
            csrf.refuse_foreign(nameless=nameless)
            if access is Access.MEMBERS and not getattr(view, "unconfirmed_too", False):
                _insist_on_confirmation(actor)
            look = getattr(view, "look", None)
            if look is not None and (answer := await look()) is not None:
                return answer
            await csrf.check(nameless=nameless)
        return await view(**arguments)

    return run


def _for_programs(view: Callable[..., Awaitable[Any]]) -> scope.View:
    @wraps(view)
    async def run(**arguments: Any) -> Any:
        actor = await identity.recognise_token()
        if actor is None:
            # RFC 6750, 3: no word about an error to who has not tried.
            error = "invalid_token" if "Authorization" in request.headers else ""
            raise Unidentified("Bearer", _NO_TOKEN, error=error)
        needed = view.token_scope  # type: ignore[attr-defined]  # the mark
        if needed != ANY_TOKEN:
            if not actor.scopes.issuperset(needed.split()):
                raise Insufficient(_NOT_PERMITTED, needed)
            if request.method not in scope.SAFE_METHODS:
                _insist_on_confirmation(actor)
        return await view(**arguments)

    return run


def _insist_on_confirmation(actor: Actor | None) -> None:
    required = scope.settings().accounts.confirm_email == "require"
    if required and actor is not None and not actor.is_confirmed:
        raise NotAllowed("Please confirm your e-mail address first: we have sent you a letter.")


async def ask_to_log_in() -> Any:
    """A redirect to the login page that leads back here; for a script 401 in JSON."""
    if prefers_json():
        raise Unauthorized
    await flash(i18n.gettext("Please log in to access this page."))
    if request.method in scope.SAFE_METHODS:
        wish = request.full_path.rstrip("?")
        return redirect(url_for("auth.login", next=wish))
    await _keep_draft()
    return redirect(url_for("auth.login"))


async def _keep_draft() -> None:
    # A login may end while somebody writes: what was written waits in the cookie.
    if request.mimetype != _FORM:  # nobody reads a large file of a stranger
        return
    text = (await request.form).get("post", "").strip()
    if text:
        cookie[DRAFT] = text[:_LONGEST_DRAFT]


def safe_next(target: str | None) -> str | None:
    """The path to go on to, if it is one of ours; ``None`` for anything that could lead away.

    One slash, then neither slash nor backslash; no control characters, which browsers drop; and
    nothing that a parser takes for a scheme or a host.
    """
    if not target or not target.startswith("/") or target[1:2] in ("/", "\\"):
        return None
    if any(not c.isprintable() or c == "\\" for c in target):
        return None
    try:
        parts = urlsplit(target)
    except ValueError:
        return None
    return None if parts.scheme or parts.netloc else target


def redirect_to(target: str) -> Response:
    """Go on to a page; always with GET."""
    return redirect(target, 303)  # type: ignore[return-value]  # Quart's own annotation is wider
