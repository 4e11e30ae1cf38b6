"""Accounts: in, out, and new."""

from microblog.web.auth import account, confirm, login, password, register
from microblog.web.auth.blueprint import bp

__all__ = ["account", "bp", "confirm", "login", "password", "register"]
