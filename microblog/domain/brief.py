"""Statements that are known to be short: a few rows, each found by its number.

On SQLite such a one takes less time than to wake the thread that would run it, and is run in the
loop (:mod:`microblog.database.driver`); other databases see a comment.
"""

from typing import Any

from sqlalchemy import Select

_COMMENT = "/* brief */"
# How the text of such a statement begins.
MARK = f"SELECT {_COMMENT} "


def brief(statement: Select[Any]) -> Select[Any]:
    """The same statement, marked as short: at most some hundred rows, by primary key."""
    return statement.prefix_with(_COMMENT, dialect="sqlite")
