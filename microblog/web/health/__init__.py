"""Whether all is well, for machines that ask."""

from microblog.web.health import probes
from microblog.web.health.blueprint import bp

__all__ = ["bp", "probes"]
