"""The live feed's door."""

from microblog.web.live import socket
from microblog.web.live.blueprint import bp
from microblog.web.live.handing import Connection

__all__ = ["Connection", "bp", "socket"]
