"""What the services have in common: JSON there, JSON back, and the few ways in which that fails."""

from collections.abc import Mapping
from typing import Any

import httpx

from microblog.adapters import outgoing
from microblog.adapters.translator.promise import Declined, Outage

# The service is well, and does not want this text or this pair of languages. Nothing else is: an
# address that is not there and a key that is not taken (401, 403, 404) are for the operator to see.
_NOT_THIS = frozenset({400, 413, 414, 415, 422})

# For the log; a name, so that nobody takes it for words that readers see.
_ANOTHER_SHAPE = "status 200 with an answer of another shape"


async def ask(
    client: httpx.AsyncClient,
    url: str,
    question: object,
    *,
    query: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Any:
    """Post a question; what the service answered with status 200.

    Raises :class:`Declined`, :class:`Outage`.
    """
    try:
        request = client.build_request("POST", url, json=question, params=query, headers=headers)
        answer = await outgoing.ask(client, request)
    except outgoing.NoAnswer as error:
        raise Outage(reason=str(error), billed=error.sent) from error
    if answer.status in _NOT_THIS:
        raise Declined(reason=f"status {answer.status}")
    if answer.status != 200:
        raise Outage(reason=f"status {answer.status}")
    return answer.content


def dig(content: Any, *path: str | int) -> str:
    """The text at a place in an answer. Raises :class:`Outage` if there is none."""
    try:
        for step in path:
            content = content[step]
    except (KeyError, IndexError, TypeError) as error:
        raise _misshapen() from error
    if not isinstance(content, str):
        raise _misshapen()
    return content


def _misshapen() -> Outage:
    return Outage(reason=_ANOTHER_SHAPE, billed=True)
