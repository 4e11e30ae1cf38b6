"""Tasks: promised together with their cause, taken by one runner at a time, settled once.

::

    waiting ──claim──▶ running ──▶ done
       ▲                  │  │
       └── later, given   │  ├───▶ failed     with a reason that a person can read
           back, or its   │  │
           lease is over ─┘  └───▶ cancelled

A task is taken for the length of a lease, which its runner moves on while it lives. Whoever takes
it and dies lets the lease run out, and somebody else takes it and goes on at its cursor. Whatever a
runner writes down is written only while the task is still its own: ``attempts`` tells an old
holder from a new one.
"""

from microblog.domain.tasks.kinds import (
    ACTIVE,
    CANCELLED,
    DESCRIPTIONS,
    DONE,
    EXPORT_POSTS,
    FAILED,
    IMPORT_POSTS,
    INDEX_POSTS,
    RUNNING,
    SEND_LETTER,
    SWEEP,
    WAITING,
)
from microblog.domain.tasks.promising import (
    PROMISED,
    UnderWay,
    launch,
    promise,
    repeat,
    withdraw,
)
from microblog.domain.tasks.settling import (
    BROKEN,
    CALLED_OFF,
    DONE_KEPT,
    FAILED_KEPT,
    LOST,
    cancel,
    end,
    fail,
    finish,
    give_back,
    hold,
    note,
    plain,
    recur,
    rest,
    sweep,
)
from microblog.domain.tasks.taking import (
    LEASE,
    MOST_ATTEMPTS,
    Claimed,
    Lost,
    claim,
    next_due,
    take_over,
    under_way,
)
from microblog.domain.tasks.views import (
    TaskView,
    active,
    by_id,
    counts,
    find_active,
    is_active,
    of_actor,
    progress_of,
)

__all__ = [
    "ACTIVE",
    "BROKEN",
    "CALLED_OFF",
    "CANCELLED",
    "DESCRIPTIONS",
    "DONE",
    "DONE_KEPT",
    "EXPORT_POSTS",
    "FAILED",
    "FAILED_KEPT",
    "IMPORT_POSTS",
    "INDEX_POSTS",
    "LEASE",
    "LOST",
    "MOST_ATTEMPTS",
    "PROMISED",
    "RUNNING",
    "SEND_LETTER",
    "SWEEP",
    "WAITING",
    "Claimed",
    "Lost",
    "TaskView",
    "UnderWay",
    "active",
    "by_id",
    "cancel",
    "claim",
    "counts",
    "end",
    "fail",
    "find_active",
    "finish",
    "give_back",
    "hold",
    "is_active",
    "launch",
    "next_due",
    "note",
    "of_actor",
    "plain",
    "progress_of",
    "promise",
    "recur",
    "repeat",
    "rest",
    "sweep",
    "take_over",
    "under_way",
    "withdraw",
]
