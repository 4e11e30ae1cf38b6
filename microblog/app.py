"""The application, put together. No logic: each room wires itself, this says in which order."""

import asyncio
from collections.abc import AsyncGenerator
from functools import partial
from pathlib import Path

from quart import Quart, request

from microblog import i18n, logs
from microblog import resources as process
from microblog.domain.posts import PostView
from microblog.jobs.handlers import handlers, lanes
from microblog.jobs.housekeeping import promise_upkeep
from microblog.jobs.runner import Runner
from microblog.resources import Resources
from microblog.settings import Settings, load
from microblog.web import (
    access,
    api,
    auth,
    edge,
    edge_refusals,
    health,
    identity,
    journal,
    live,
    main,
    negotiation,
    refusals,
    rendering,
    scope,
    uploads,
)
from microblog.web.headers import GRAVATAR
from microblog.web.static import StaticFiles
from microblog.web.thrift import Application

_PACKAGE = Path(__file__).parent
# The one address that takes a large file, and what a form has besides the file.
_IMPORT = "/import_posts"
_FORM_AROUND = 16 * 1024


def create_app(settings: Settings | None = None, resources: Resources | None = None) -> Quart:
    """Build an application; its lifespan opens what ``resources`` holds and closes it again.

    Raises :class:`microblog.settings.SettingsError` if no settings are given and the environment's
    are wrong.
    """
    settings = settings or load()
    app = Application("microblog", static_folder=None, template_folder=None)
    built = resources or process.build(settings, partial(_fragment, app))
    app.extensions[scope.EXTENSION] = built
    app.asgi_websocket_class = live.Connection
    _configure(app, settings, built.secret_key)
    _add_routes(app)
    _add_lifespan(app, built)
    journal.install(app, settings.logs)
    api.install(app)
    refusals.install(app)
    identity.install(app, settings)
    access.enforce(app)
    large = {_IMPORT: settings.archives.import_bytes + _FORM_AROUND}
    uploads.install(app, large, built.uploads)
    gravatar = settings.avatars.provider == "gravatar"
    app.extensions[edge.EXTENSION] = entrance = edge.Edge(
        app.asgi_app,
        max_body=settings.server.max_body,
        base_url=settings.server.base_url,
        refuse=edge_refusals.build(app),
        beside=edge_refusals.beside(app),
        # What programs send is short: no file, and a page of text at the most.
        body_limits={**large, "/api/": settings.server.max_body // 2},
        image_sources=(GRAVATAR,) if gravatar else (),
        crowd=edge.Crowd(
            settings.server.requests_in_work,
            settings.server.requests_waiting,
            settings.server.waiting_seconds,
        ),
    )
    app.asgi_app = entrance  # type: ignore[method-assign]  # the documented way
    return app


def _configure(app: Quart, settings: Settings, secret_key: str) -> None:
    https = settings.server.https
    app.config.update(
        SECRET_KEY=secret_key,
        BASE_URL=settings.server.base_url,
        MAX_CONTENT_LENGTH=settings.server.max_body,
        BODY_TIMEOUT=30,
        SESSION_COOKIE_NAME="__Host-microblog_visit" if https else "microblog_visit",
        SESSION_COOKIE_SECURE=https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
    )


def _add_routes(app: Quart) -> None:
    static = StaticFiles(_PACKAGE / "static", joined=["js/site.js"])
    for room in (auth, main, live, health, api):
        app.register_blueprint(room.bp)
    app.add_url_rule("/static/<path:filename>", "static", access.machines(_served(static)))
    app.extensions[rendering.EXTENSION] = rendering.Pages(app, static)

    @app.before_request
    async def choose_language() -> None:
        if negotiation.is_api(request.path):
            i18n.speak(i18n.SOURCE_LANGUAGE)
            return
        offered = scope.settings().languages.offered
        wishes = request.cookies.get("language"), request.headers.get("Accept-Language")
        i18n.speak(i18n.choose(offered, *wishes))


def _served(static: StaticFiles) -> scope.View:
    async def serve(filename: str) -> object:
        return await static.serve(filename)

    return serve


def _add_lifespan(app: Quart, built: Resources) -> None:
    settings = built.settings
    runner = Runner(built.database, handlers(built), lanes(built))
    built.farewells.append(runner.stop)

    @app.while_serving
    async def lifespan() -> AsyncGenerator[None, None]:
        await built.open()
        await promise_upkeep(built.database)
        if settings.jobs.inside:
            runner.start()
            built.services["jobs"] = runner.looking
        errors = logs.error_letters(settings, built.promise_report)
        if errors is not None:
            errors.start()
        watching = asyncio.create_task(logs.watch_loop(), name="watch")
        yield
        watching.cancel()
        if errors is not None:
            await errors.stop()
        await runner.stop()
        await built.close()


def _fragment(app: Quart, post: PostView, language: str, foreign: bool) -> str:
    pages: rendering.Pages = app.extensions[rendering.EXTENSION]
    return pages.fragment(post, language, foreign)
