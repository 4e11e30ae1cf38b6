"""Statements that are known to be short: some hundred rows at most, each found by its number.

On SQLite such a one takes less time than to wake the thread that would run it, and is run in the
loop (:mod:`microblog.database.driver`); for other databases it is unchanged.
"""

from typing import Any

from sqlalchemy import Select

_COMMENT = "/* brief */"
# How the text of such a statement begins.
MARK = f"SELECT {_COMMENT} "


def brief(statement: Select[Any]) -> Select[Any]:
    """The same statement, marked as short; whoever runs it sees to it that it is."""
    return statement.prefix_with(_COMMENT, dialect="sqlite")
