"""Who this is: logins behind quart-auth's cookie.

The cookie's ``auth_id`` is a random login token; the person behind it is looked up in the database
at each request, so that a login that was ended is over, whatever the browser still holds.
"""

import quart_auth
from quart import Quart, g, request
from quart import session as cookie
from quart_auth import AuthUser

from microblog import i18n
from microblog.domain import sessions, tokens
from microblog.domain.actors import Actor
from microblog.domain.sessions import Lifetimes
from microblog.settings import Settings
from microblog.web import boxes, remembering, scope
from microblog.web.thrift import Logins


def install(app: Quart, settings: Settings) -> None:
    """Wire quart-auth into the application."""
    https = settings.server.https
    Logins(
        app,
        cookie_name="__Host-microblog_login" if https else "microblog_login",
        cookie_secure=https,
        cookie_samesite="Lax",
        duration=settings.accounts.remember_days * 24 * 60 * 60,
        salt="microblog login",
    )


async def recognise(*, present: bool = True) -> Actor | None:
    """Look up who this is, once for a request, and speak their language.

    With ``present=False`` the request is no sign that they are here.
    """
    if "actor" not in g:
        token = login_token()
        # What happens from now on, the page may not know: its socket begins here.
        g.live_since = scope.resources().hub.position
        g.actor = await _find_here(token) if token else None
        if g.actor is not None:
            as_page = not _asked_by_script()
            if present and as_page:
                _note_presence(g.actor, token)
            offered = scope.settings().languages.offered
            spoken = i18n.choose(offered, g.actor.language, i18n.language())
            i18n.speak(spoken, time_zone=g.actor.time_zone)
            if present:
                await boxes.look(g.actor, as_page=as_page)
    return scope.find_viewer()


def live_since() -> int:
    """The event after which a page's live feed begins: nothing before it is missing on the page."""
    position: int = g.live_since
    return position


async def recognise_token() -> Actor | None:
    """Whose bearer token the request carries; no cookie and no address is looked at for it."""
    if "actor" not in g:
        g.actor = await find_bearer(request.headers.get("Authorization", ""))
    return scope.find_viewer()


async def find_bearer(authorization: str) -> Actor | None:
    """The person whose token an Authorization header carries (RFC 6750, 2.1)."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        return None
    resources = scope.resources()
    if await remembering.is_possible():
        actor = await resources.memory.find_program(token.strip())
    else:
        async with resources.database.reading() as session:
            actor = await tokens.find_actor(session, token.strip())
    if actor is not None and tokens.is_stale(actor):
        resources.memory.note_use(token.strip())
        resources.note_use(actor)
    return actor


async def _find_here(token: str) -> Actor | None:
    if await remembering.is_possible():
        return await scope.resources().memory.find_login(token, lifetimes())
    if request.method in scope.SAFE_METHODS:
        # The same connection as the page's own questions.
        return await sessions.find_actor(scope.session(), token, lifetimes=lifetimes())
    return await find_actor(token)


async def find_actor(token: str) -> Actor | None:
    """The person whose login this token opens."""
    async with scope.resources().database.reading() as session:
        return await sessions.find_actor(session, token, lifetimes=lifetimes())


def _asked_by_script() -> bool:
    # What an open page reads for itself; browsers say so (Fetch Metadata, W3C, section 2.1).
    destination = request.headers.get("Sec-Fetch-Dest")
    return request.method in scope.SAFE_METHODS and destination == "empty"


def _note_presence(actor: Actor, token: str | None) -> None:
    # Only pages count as presence, and at most once a minute; the reader does not wait for it.
    if sessions.is_stale(actor.last_seen_at):
        scope.resources().memory.note_use(token or "")
        scope.resources().memory.note_presence(actor.id)
        scope.resources().note_presence(actor)


def login_token() -> str | None:
    """The token in the visitor's cookie, if its signature is ours."""
    if "login_token" not in g:
        g.login_token = quart_auth.current_user.auth_id
    token: str | None = g.login_token
    return token


def lifetimes() -> Lifetimes:
    """How long logins live here."""
    accounts = scope.settings().accounts
    return Lifetimes(
        idle=accounts.session_idle_days,
        longest=accounts.session_max_days,
        remembered=accounts.remember_days,
    )


async def log_in(user_id: int, *, remember: bool) -> None:
    """Open a login for this browser; what its cookie held before is worth nothing from now on."""
    token = await sessions.begin(
        scope.session(),
        user_id,
        remembered=remember,
        device=request.headers.get("User-Agent", ""),
        lifetimes=lifetimes(),
    )
    scope.resources().memory.note_presence(user_id)
    cookie.pop("csrf", None)
    quart_auth.login_user(AuthUser(token), remember=remember)
    g.pop("login_token", None)


def forget_login() -> None:
    """Take the login cookie from the browser."""
    quart_auth.logout_user()
    g.pop("login_token", None)
