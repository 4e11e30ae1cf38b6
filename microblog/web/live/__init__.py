"""The live feed's door."""

from microblog.web.live import socket
from microblog.web.live.blueprint import bp

__all__ = ["bp", "socket"]
