"""Accounts: in, out, and new."""

from microblog.web.auth import (
    account,
    archives,
    confirm,
    login,
    password,
    reading,
    register,
    tokens,
)
from microblog.web.auth.blueprint import bp

__all__ = [
    "account",
    "archives",
    "bp",
    "confirm",
    "login",
    "password",
    "reading",
    "register",
    "tokens",
]
