"""Where the description of the API is fetched."""

from quart import Quart, Response, current_app
from quart_schema import QuartSchema

from microblog.web import access, limiting, scope
from microblog.web.api import description, serialization
from microblog.web.api.blueprint import bp
from microblog.web.api.documents import Document
from microblog.web.negotiation import JSON
from microblog.web.purses import Purses
from microblog.web.visits import Visits

EXTENSION = "microblog.description"


@bp.get("/openapi.json")
@access.machines
async def openapi() -> Response:
    """The description, made once."""
    extensions = current_app.extensions
    if EXTENSION not in extensions:
        schema = extensions["QUART_SCHEMA"].openapi_provider.schema()
        extensions[EXTENSION] = Document(current_app.json.dumps(schema), JSON)
    document: Document = extensions[EXTENSION]
    return document.answer()


def install(app: Quart) -> None:
    """Wire what checks and describes operations; its own pages load scripts from elsewhere."""
    QuartSchema(
        app,
        openapi_path=None,
        info=description.INFO,
        tags=list(description.TAGS),
        security_schemes=dict(description.SECURITY_SCHEMES),
        conversion_preference="pydantic",
        openapi_provider_class=description.Description,
    )
    app.session_interface = Visits()
    app.extensions[serialization.EXTENSION] = serialization.Texts()
    resources = app.extensions[scope.EXTENSION]
    workers = resources.settings.server.workers
    app.extensions[limiting.EXTENSION] = Purses(resources.tally, workers)
