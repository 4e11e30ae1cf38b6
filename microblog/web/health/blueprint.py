"""The blueprint of what machines ask."""

from quart import Blueprint

bp = Blueprint("health", __name__)
