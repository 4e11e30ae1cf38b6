"""What a script or a form has sent, as texts."""

from typing import Any

from quart import request
from werkzeug.exceptions import BadRequest


async def texts(*names: str) -> dict[str, str]:
    """Those of the named fields that were sent, in a form or as an object of JSON.

    A whole number stands for its digits; anything else that is no text is refused (400), and so is
    what cannot be read.
    """
    sent = await _json() if request.is_json else await request.form
    found = {}
    for name in names:
        if name not in sent:
            continue
        value = sent[name]
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str):
            raise BadRequest
        found[name] = value
    return found


async def _json() -> dict[str, Any]:
    try:
        content = await request.get_json()
    except (UnicodeDecodeError, RecursionError) as error:
        raise BadRequest from error
    if not isinstance(content, dict):
        raise BadRequest
    return content
