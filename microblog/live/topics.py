"""What an event touches of what is kept in memory. Every topic is a number.

==================  =====================================================================
topic               what it stands for
==================  =====================================================================
``person(id)``      who somebody is, whether they may come in, what they are told
``reading(id)``     whom somebody reads
``read(id)``        who reads somebody
``author(id)``      somebody's posts, and how their author is shown
``POSTS``           any post at all, and how any author is shown
``PEOPLE``          who there is at all
==================  =====================================================================

================================================  ====================================
event                                             touches
================================================  ====================================
``post.created``, ``.updated``, ``.deleted``      ``author(actor)``, ``POSTS``
``follow.created``, ``.deleted``                  ``reading(actor)``, ``read(subject)``
``session.ended``                                 ``person(actor)``
``account.changed``                               all of ``actor``, and ``POSTS``
``account.ended``                                 the same, and ``PEOPLE``
``account.changed`` of nobody in particular       everything
``notified``, ``message.created``                 ``person`` of both
``post.translated``, ``ping``                     nothing: no list shows it
any other                                         everything: it is of a later version
================================================  ====================================

That every change of what is kept is such an event is seen to by :mod:`microblog.database.noticing`,
and by the verbs of the domain, which say more exactly what happens.
"""

from collections.abc import Callable

from microblog.domain import events

POSTS, PEOPLE = 0, -1
# Touches all that is kept.
EVERYTHING = None

Touched = tuple[int, ...] | None


def person(user_id: int) -> int:
    """Who somebody is."""
    return 4 * user_id + 1


def reading(user_id: int) -> int:
    """Whom somebody reads."""
    return 4 * user_id + 2


def author(user_id: int) -> int:
    """What somebody writes."""
    return 4 * user_id + 3


def read(user_id: int) -> int:
    """Who reads somebody; ids begin with 1."""
    return 4 * user_id


def touched(kind: str, actor_id: int, subject_id: int) -> Touched:
    """The topics of an event; :data:`EVERYTHING` for one of which nothing better is known."""
    find = _BY_KIND.get(kind)
    return EVERYTHING if find is None else find(actor_id, subject_id)


def _of_post(actor_id: int, _subject_id: int) -> Touched:
    return author(actor_id), POSTS


def _of_follow(actor_id: int, subject_id: int) -> Touched:
    return reading(actor_id), read(subject_id)


def _of_login(actor_id: int, _subject_id: int) -> Touched:
    return (person(actor_id),)


def _of_account(actor_id: int, _subject_id: int) -> Touched:
    if actor_id == events.ANYBODY:
        return EVERYTHING
    return person(actor_id), reading(actor_id), read(actor_id), author(actor_id), POSTS


def _of_end(actor_id: int, subject_id: int) -> Touched:
    # The account may be gone, and with it whom it followed.
    return (*(_of_account(actor_id, subject_id) or ()), PEOPLE)


def _of_word(actor_id: int, subject_id: int) -> Touched:
    return person(actor_id), person(subject_id)


def _of_nothing(_actor_id: int, _subject_id: int) -> Touched:
    return ()


_BY_KIND: dict[str, Callable[[int, int], Touched]] = {
    events.POST_CREATED: _of_post,
    events.POST_UPDATED: _of_post,
    events.POST_DELETED: _of_post,
    events.POST_TRANSLATED: _of_nothing,
    events.FOLLOWED: _of_follow,
    events.UNFOLLOWED: _of_follow,
    events.SESSION_ENDED: _of_login,
    events.ACCOUNT_ENDED: _of_end,
    events.ACCOUNT_CHANGED: _of_account,
    events.NOTIFIED: _of_word,
    events.MESSAGE_CREATED: _of_word,
    events.PING: _of_nothing,
}
