"""The application, put together. No logic: each room wires itself, this says in which order."""

import asyncio
from collections.abc import AsyncGenerator
from functools import partial
from pathlib import Path

from quart import Quart, request

from microblog import i18n, logs
from microblog import resources as process
from microblog.adapters import mailer as mailers
from microblog.domain.posts import PostView
from microblog.jobs.letters import PostOffice
from microblog.letterpress import Letterpress, site
from microblog.resources import Resources
from microblog.settings import Settings, load
from microblog.web import (
    access,
    auth,
    health,
    identity,
    journal,
    live,
    main,
    refusals,
    rendering,
    scope,
)
from microblog.web.edge import Edge
from microblog.web.headers import GRAVATAR
from microblog.web.static import StaticFiles

_PACKAGE = Path(__file__).parent


def create_app(settings: Settings | None = None, resources: Resources | None = None) -> Quart:
    """Build an application; its lifespan opens what ``resources`` holds and closes it again.

    Raises :class:`microblog.settings.SettingsError` if no settings are given and the environment's
    are wrong.
    """
    settings = settings or load()
    app = Quart("microblog", static_folder=None, template_folder=None)
    built = resources or process.build(settings, lambda post, code: _fragment(app, post, code))
    app.extensions[scope.EXTENSION] = built
    _configure(app, settings, built.secret_key)
    _add_routes(app)
    _add_lifespan(app, built)
    journal.install(app, settings.logs)
    refusals.install(app)
    identity.install(app, settings)
    access.enforce(app)
    gravatar = settings.avatars.provider == "gravatar"
    app.asgi_app = Edge(  # type: ignore[method-assign]  # the documented way
        app.asgi_app,
        max_body=settings.server.max_body,
        base_url=settings.server.base_url,
        refuse=refusals.edge_refusal(app),
        image_sources=(GRAVATAR,) if gravatar else (),
    )
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
    static = StaticFiles(_PACKAGE / "static")
    for room in (auth, main, live, health):
        app.register_blueprint(room.bp)
    app.add_url_rule("/static/<path:filename>", "static", access.machines(_served(static)))
    app.extensions[rendering.EXTENSION] = rendering.Pages(app, static)

    @app.before_request
    async def choose_language() -> None:
        offered = scope.settings().languages.offered
        wishes = request.cookies.get("language"), request.headers.get("Accept-Language")
        i18n.speak(i18n.choose(offered, *wishes))


def _served(static: StaticFiles) -> scope.View:
    async def serve(filename: str) -> object:
        return await static.serve(filename)

    return serve


def _add_lifespan(app: Quart, built: Resources) -> None:
    settings, database = built.settings, built.database
    mailer = mailers.build(settings)
    press = Letterpress(settings.mail.sender, partial(site, settings.server), built.link_token)
    office = PostOffice(database, mailer, press.compose)

    @app.while_serving
    async def lifespan() -> AsyncGenerator[None, None]:
        await built.open()
        office.start()
        errors = logs.error_letters(settings, built.promise_report)
        if errors is not None:
            errors.start()
        watching = asyncio.create_task(logs.watch_loop(), name="watch")
        yield
        watching.cancel()
        if errors is not None:
            await errors.stop()
        await office.stop()
        await mailer.close()
        await built.close()


def _fragment(app: Quart, post: PostView, language: str) -> str:
    pages: rendering.Pages = app.extensions[rendering.EXTENSION]
    return pages.fragment(post, language)
