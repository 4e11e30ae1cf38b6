"""Letters: tasks that are promised together with what the letter announces.

::

    waiting ──claim──▶ running ──▶ done          the mail server has it
       ▲                  │  │
       └─ 1, 5, 15, 60 … ─┘  └───▶ failed        with the mail server's reason

Whoever takes a letter and dies lets its lease run out, and somebody else takes it: at most one copy
more goes out, with the same Message-ID.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from microblog.domain import tasks
from microblog.i18n import marked
from microblog.models import utc_now

RESET_PASSWORD = "reset_password"  # noqa: S105 (the name of a letter)
CONFIRM_ADDRESS = "confirm_address"
CONFIRM_NEW_ADDRESS = "confirm_new_address"
PASSWORD_CHANGED = "password_changed"  # noqa: S105 (the name of a letter)
ADDRESS_CHANGED = "address_changed"
EXPORT_POSTS = "export_posts"
ERROR_REPORT = "error_report"
KINDS = frozenset(
    {
        RESET_PASSWORD,
        CONFIRM_ADDRESS,
        CONFIRM_NEW_ADDRESS,
        PASSWORD_CHANGED,
        ADDRESS_CHANGED,
        EXPORT_POSTS,
        ERROR_REPORT,
    }
)

# What the owner of a task is told when the letter that would have completed it cannot go out.
UNDELIVERED = marked("The letter about it could not be delivered.")

Detail = str | int | float | bool | None


class Pointless(Exception):
    """What the letter offers does not hold any more; the text says why. It is not sent."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter to one person, as it was promised.

    ``id`` is its task's. ``details`` holds plain words for the template and never a secret; a
    letter with a secret link names the grant behind it, and the link is made when the letter is
    written. ``message_id`` is the left half of the Message-ID. ``completes`` is the task that is
    over when this letter is out.
    """

    id: str
    kind: str
    user_id: int | None
    recipient: str
    language: str
    details: dict[str, Any]
    grant_id: int | None
    message_id: str
    completes: str | None
    created_at: datetime


async def promise(
    session: AsyncSession,
    kind: str,
    *,
    recipient: str,
    language: str,
    user_id: int | None = None,
    grant_id: int | None = None,
    void: bool = False,
    completes: str | None = None,
    **details: Detail,
) -> str:
    """Promise a letter, and return its task's id: it goes out if this unit of work commits.

    ``details`` are what the kind's template shows; they are stored as they are, so never a secret.
    A ``void`` letter takes the same work and time, and nobody gets it. The task ``completes`` ends
    with the letter: as done when it is out, as failed when it will never be.
    """
    if kind not in KINDS:
        raise ValueError(f"there is no letter of the kind {kind!r}")
    return await tasks.promise(
        session,
        tasks.SEND_LETTER,
        # Not whose task it is: what is said about an account may outlive it.
        subject_id=user_id,
        state=tasks.DONE if void else tasks.WAITING,
        kind=kind,
        # Nobody's address is kept, if it was one at all.
        recipient="" if void else recipient,
        language=language,
        details=details,
        grant_id=grant_id,
        message_id=f"{utc_now():%Y%m%d%H%M%S}.{secrets.token_hex(12)}",
        completes=completes,
    )


def of(task: tasks.Claimed) -> Letter:
    """The letter that a task is about."""
    return Letter(id=task.id, user_id=task.subject_id, created_at=task.created_at, **task.arguments)


async def is_wanted(session: AsyncSession, letter: Letter) -> bool:
    """Whether what the letter completes is still going on."""
    return letter.completes is None or await tasks.is_active(session, letter.completes)


async def delivered(session: AsyncSession, letter: Letter) -> None:
    """The mail server has it, whoever holds the task meanwhile. What it said is forgotten."""
    said = ("kind", "recipient", "language", "message_id")
    kept = {name: getattr(letter, name) for name in said}
    await tasks.end(session, letter.id, tasks.DONE, kept=kept)
    if letter.completes is not None:
        await tasks.end(session, letter.completes, tasks.DONE)


async def undelivered(session: AsyncSession, task: tasks.Claimed) -> None:
    """It has failed for good, and with it what it would have completed."""
    completes = task.arguments.get("completes")
    if completes is not None:
        await tasks.end(session, completes, tasks.FAILED, UNDELIVERED)


async def forget(session: AsyncSession, user_id: int) -> None:
    """Take back whatever was to be said to a person, and that anything was."""
    await tasks.withdraw(session, tasks.SEND_LETTER, user_id)
