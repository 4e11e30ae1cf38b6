"""Which request a line belongs to: known to everything that runs on its behalf."""

import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field

Fields = dict[str, str | int | float]


@dataclass(slots=True)
class Visit:
    """One request or websocket, as the log tells of it.

    ``route`` is the endpoint's name: the path itself can hold a secret. ``whose`` gives the id of
    the person, as soon as it is known who that is; it may be called from any task.
    """

    id: str
    method: str
    route: str
    address: str
    whose: Callable[[], int | None]
    status: int | None = None
    began: float = field(default_factory=time.perf_counter)

    @property
    def milliseconds(self) -> float:
        """Since it began."""
        return (time.perf_counter() - self.began) * 1000


_visit: ContextVar[Visit | None] = ContextVar("visit", default=None)


def begin(visit: Visit) -> None:
    """From here on, lines of this task and of those that it starts belong to ``visit``."""
    _visit.set(visit)


def current() -> Visit | None:
    """The request under way, if there is one."""
    return _visit.get()


def request_id() -> str:
    """The number of the request under way; empty outside of one."""
    visit = _visit.get()
    return visit.id if visit else ""


def fields() -> Fields:
    """What every line of this request tells about it."""
    visit = _visit.get()
    if visit is None:
        return {}
    found: Fields = {
        "request": visit.id,
        "method": visit.method,
        "route": visit.route,
        "address": visit.address,
    }
    user_id = visit.whose()
    if user_id is not None:
        found["user"] = user_id
    return found
