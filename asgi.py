"""The application for any ASGI server: `hypercorn asgi:app`, `quart --app asgi …`."""

from collections.abc import AsyncGenerator

from microblog import cli, logs
from microblog.app import create_app
from microblog.serving.mends import mend
from microblog.settings import load_or_exit

# Hypercorn started from its own command line needs the same mends as under `microblog serve`.
mend()
settings = load_or_exit()
app = create_app(settings)


@app.while_serving
async def log() -> AsyncGenerator[None, None]:
    """Only a server writes a log; commands that load this module do not."""
    journal = logs.configure(settings)
    yield
    journal.close()


cli.register(app)
