"""The blueprint of what programs read and write."""

from quart import Blueprint
from quart.blueprints import BlueprintSetupState
from werkzeug.exceptions import NotFound
from werkzeug.routing import BaseConverter, Map

from microblog.domain.paging import LARGEST_ID


class IdConverter(BaseConverter):
    """An id in a path: digits as ASCII has them, and a number that a row may have."""

    regex = "[0-9]{1,10}"

    def __init__(self, map_: Map) -> None:
        """Take no arguments: an id is an id."""
        super().__init__(map_)

    def to_python(self, value: str) -> int:
        """The number. Raises :class:`NotFound`."""
        number = int(value)
        if not 1 <= number <= LARGEST_ID:
            # A converter's usual refusal would have the router blame the method (405) wherever the
            # address has others, too.
            raise NotFound
        return number


def _teach(state: BlueprintSetupState) -> None:
    state.app.url_map.converters["id"] = IdConverter


bp = Blueprint("api", __name__, url_prefix="/api")
# Before the routes, which use it.
bp.record(_teach)
