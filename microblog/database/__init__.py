"""The database: engines, and the unit of work.

A *writing* unit of work is one transaction: returning commits, raising rolls back. Just before
the commit the events that it recorded become rows; just after it, whoever listens is woken, and
whoever is to do what was promised (a promise leaves a name in ``session.info["promised"]``). A
*reading* one runs each statement by itself, without the round trips of a transaction, and cannot
write on SQLite.

`whole` is what the rest of the program is handed, `unit` the unit of work; `sqlite` and
`postgresql` make the engines; `noticing` sees to it that no change goes unsaid; `outages` tells a
database in trouble from a mistake of ours.
"""

from microblog.database.finishing import finish
from microblog.database.outages import UNAVAILABLE, is_collision, is_full
from microblog.database.sqlite import open_sqlite
from microblog.database.unit import UnitOfWork
from microblog.database.whole import Database

__all__ = [
    "UNAVAILABLE",
    "Database",
    "UnitOfWork",
    "finish",
    "is_collision",
    "is_full",
    "open_sqlite",
]
