"""What a request has written down about itself, so that its view can run a second time."""

from copy import deepcopy

from quart import g
from quart import session as cookie


class Before:
    """How the request stood at this moment: who it is, what its browser is to keep, flashes.

    What it has sent is read once and kept by the framework, so that it can be read again.
    """

    def __init__(self) -> None:
        """Take it down."""
        self._known = dict(_known())
        self._kept, self._modified = deepcopy(dict(cookie)), cookie.modified

    def restore(self) -> None:
        """Forget all that came after."""
        known = _known()
        known.clear()
        known.update(self._known)
        cookie.clear()
        cookie.update(self._kept)
        cookie.modified = self._modified


def _known() -> dict[str, object]:
    known: dict[str, object] = vars(g._get_current_object())  # noqa: SLF001 - documented so
    return known
