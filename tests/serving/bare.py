"""The stand-in site as `hypercorn bare:app` serves it, mended as `asgi.py` mends."""

from stand_in import make_app

from microblog.serving.mends import mend

mend()
app, _ = make_app()
