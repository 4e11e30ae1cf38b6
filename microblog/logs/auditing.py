"""Who did what to an account: one line for each, kept whatever the level of the log."""

import logging

from microblog.logs.context import Fields

log = logging.getLogger("microblog.audit")


def audit(event: str, *, user_id: int | None = None, address: str = "") -> None:
    """Write down that ``event`` (``login``, ``failed login``, ``reset`` …) happened to a user.

    What is not given is taken from the request under way. Names that were typed are not written
    down: now and then somebody types a password there.
    """
    fields: Fields = {"event": event}
    if user_id is not None:
        fields["user"] = user_id
    if address:
        fields["address"] = address
    log.info("audit: %s", event, extra={"fields": fields}, stacklevel=2)
