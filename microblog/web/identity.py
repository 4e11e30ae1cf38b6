"""Who this is: logins behind quart-auth's cookie.

The cookie's ``auth_id`` is a random login token; the person behind it is looked up in the database
at each request, so that a login that was ended is over, whatever the browser still holds.
"""

import quart_auth
from quart import Quart, g, request
from quart import session as cookie
from quart_auth import AuthUser, QuartAuth

from microblog import i18n
from microblog.domain import sessions
from microblog.domain.actors import Actor
from microblog.domain.sessions import Lifetimes
from microblog.settings import Settings
from microblog.web import scope


def install(app: Quart, settings: Settings) -> None:
    """Wire quart-auth into the application."""
    https = settings.server.https
    auth = QuartAuth(
        app,
        cookie_name="__Host-microblog_login" if https else "microblog_login",
        cookie_secure=https,
        cookie_samesite="Lax",
        duration=settings.accounts.remember_days * 24 * 60 * 60,
        salt="microblog login",
    )
    # It is a plain function, which Quart would send to a thread for every page; ours needs none.
    app.template_context_processors[None].remove(auth._template_context)  # noqa: SLF001


async def recognise() -> Actor | None:
    """Look up who this is, once for a request, and speak their language."""
    if "actor" not in g:
        token = login_token()
        g.actor = await _find_here(token) if token else None
        if g.actor is not None:
            await _note_presence(g.actor)
            offered = scope.settings().languages.offered
            spoken = i18n.choose(offered, g.actor.language, i18n.language())
            i18n.speak(spoken, time_zone=g.actor.time_zone)
    return scope.find_viewer()


async def _find_here(token: str) -> Actor | None:
    if request.method in scope.SAFE_METHODS:
        # The same connection as the page's own questions.
        return await sessions.find_actor(scope.session(), token, lifetimes=lifetimes())
    return await find_actor(token)


async def find_actor(token: str) -> Actor | None:
    """The person whose login this token opens."""
    async with scope.resources().database.reading() as session:
        return await sessions.find_actor(session, token, lifetimes=lifetimes())


async def _note_presence(actor: Actor) -> None:
    # Only pages count as presence, and at most once a minute; the reader does not wait for it.
    if sessions.is_stale(actor.last_seen_at):
        scope.resources().note_presence(actor)


def login_token() -> str | None:
    """The token in the visitor's cookie, if its signature is ours."""
    token: str | None = quart_auth.current_user.auth_id
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
    cookie.pop("csrf", None)
    quart_auth.login_user(AuthUser(token), remember=remember)


def forget_login() -> None:
    """Take the login cookie from the browser."""
    quart_auth.logout_user()
