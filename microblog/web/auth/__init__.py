"""Accounts: in, out, and new."""

from microblog.web.auth import login, register
from microblog.web.auth.blueprint import bp

__all__ = ["bp", "login", "register"]
