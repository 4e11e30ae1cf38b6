"""Which part of a list a request asks for."""

from quart import request

from microblog.domain.paging import Place, place


def asked() -> Place:
    """What the query says: the newest part, if it says nothing."""
    if not request.query_string:
        return Place()
    arguments = request.args
    return place(arguments.get("before"), arguments.get("after"), arguments.get("page"))
