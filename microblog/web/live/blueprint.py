"""The blueprint of the live feed."""

from quart import Blueprint

bp = Blueprint("live", __name__)
