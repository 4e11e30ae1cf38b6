"""The application for any ASGI server: `hypercorn asgi:app`, `quart --app asgi …`."""

from microblog import cli
from microblog.app import create_app
from microblog.serving.mends import mend
from microblog.settings import load_or_exit

# Hypercorn started from its own command line needs the same mends as under `microblog serve`.
mend()
app = create_app(load_or_exit())
cli.register(app)
