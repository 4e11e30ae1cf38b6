"""The websocket ``/live``: who may open it, and what it asks for."""

from quart import abort, current_app, g, websocket

from microblog import i18n
from microblog.domain import tokens, tongues
from microblog.domain.actors import Actor
from microblog.web import access, client, csrf, identity, remembering, scope
from microblog.web.live import handing
from microblog.web.live.blueprint import bp
from microblog.web.live.feed import Guest
from microblog.web.live.tries import Tries

_TRIES = "microblog.tries"
_MINUTE = 60.0


@bp.websocket("/live")
@access.socket
async def live() -> None:
    """Examine who wants to listen; the socket itself begins when this has returned."""
    actor, since = await _checked()
    as_of: int | None = g.as_of
    settings, language = scope.settings(), _language(actor)
    guest = Guest(
        actor,
        since,
        tuple(websocket.args.get("channels", "home").split(",")),
        language,
        _reads(actor, language),
        settings.limits.scaled(settings.live.messages_per_minute),
        as_of,
    )
    handing.let_in(guest)


async def _checked() -> tuple[Actor, int | None]:
    """Refuse before the handshake: 400 for a bad ``since``, 401, 403, 429, 503."""
    origin = websocket.headers.get("Origin")
    if origin is not None and not csrf.is_own_origin(origin, websocket.headers.get("Host", "")):
        abort(403)
    rules, tries = scope.settings().live, _tries()
    scaled = scope.settings().limits.scaled
    tries.spend(client.address(), scaled(rules.handshakes_per_address), _MINUTE)
    actor = g.actor = await _recognise()
    if actor is None:
        abort(401)
    if actor.token_id is not None and tokens.READ not in actor.scopes:
        abort(403)
    raw = websocket.args.get("since")
    if raw is not None and not (raw.isascii() and raw.isdigit() and len(raw) < 19):
        abort(400)
    tries.spend(f"user {actor.id}", scaled(rules.handshakes_per_user), _MINUTE)
    hub = scope.resources().hub
    most = scope.settings().limits.scaled(hub.settings.connections_total)
    # One that stops lets in whom it will tell to come again: a refusal says nothing to a page.
    if hub.sockets.total() >= most:
        abort(503)
    return actor, None if raw is None else int(raw)


def _tries() -> Tries:
    workers = scope.settings().server.workers
    found: Tries = current_app.extensions.setdefault(_TRIES, Tries(workers))
    return found


async def _recognise() -> Actor | None:
    """Whose token the header carries; without such a header, whose login the cookie is."""
    bearer, resources = websocket.headers.get("Authorization"), scope.resources()
    token = identity.login_token()
    if await remembering.is_possible():
        g.as_of = resources.memory.kept.position
        if bearer is not None:
            return await identity.find_bearer(bearer)
        return await resources.memory.find_login(token, identity.lifetimes()) if token else None
    g.as_of = None
    if bearer is not None:
        return await identity.find_bearer(bearer)
    return await identity.find_actor(token) if token else None


def _reads(actor: Actor, language: str) -> frozenset[str]:
    accepted = i18n.preferences(websocket.headers.get("Accept-Language", ""))
    return tongues.read_by(actor, spoken=language, accepted=accepted)


def _language(actor: Actor) -> str:
    offered = scope.settings().languages.offered
    wishes = websocket.cookies.get("language"), websocket.headers.get("Accept-Language")
    return i18n.choose(offered, actor.language, *wishes)
