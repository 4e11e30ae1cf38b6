"""The blueprint of everything that people read and write."""

from quart import Blueprint

bp = Blueprint("main", __name__)
