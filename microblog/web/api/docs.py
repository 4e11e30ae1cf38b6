"""Where the description of the API is read by people."""

from quart import Response, current_app, request

from microblog import i18n
from microblog.web import access, problems, rendering, scope
from microblog.web.api.blueprint import bp
from microblog.web.api.documents import Document
from microblog.web.api.manual import Writer

EXTENSION = "microblog.manual"


@bp.get("/docs")
@access.machines
async def docs() -> Response:
    """The manual: the same for everybody, so nobody is looked at; made once in each language."""
    made: dict[str, Document] = current_app.extensions.setdefault(EXTENSION, {})
    wishes = request.cookies.get("language"), request.headers.get("Accept-Language")
    spoken = i18n.choose(scope.settings().languages.offered, *wishes)
    if spoken not in made:
        with i18n.speaking(spoken):
            made[spoken] = Document(_rendered(), "text/html; charset=utf-8")
    response = made[spoken].answer()
    response.vary.update(("Accept-Language", "Cookie"))
    return response


def _rendered() -> str:
    settings = scope.settings()
    described = current_app.extensions["QUART_SCHEMA"].openapi_provider.schema()
    address = settings.server.base_url or f"http://127.0.0.1:{settings.server.port}"
    pages: rendering.Pages = current_app.extensions[rendering.EXTENSION]
    return pages.render_for_nobody(
        "api/docs.html",
        title="API",
        manual=Writer(described, address).write(),
        kinds=problems.KINDS,
        reads=settings.limits.scaled(settings.limits.api_reads_per_minute),
        writes=settings.limits.scaled(settings.limits.api_writes_per_minute),
    )
