"""The blueprint of accounts and logins."""

from quart import Blueprint

bp = Blueprint("auth", __name__)
