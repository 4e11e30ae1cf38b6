"""How the service asks a program who it is, and what its token permits."""

from typing import Any

from werkzeug.exceptions import Unauthorized

from microblog.domain.errors import NotAllowed

REALM = "microblog"


class Unidentified(Unauthorized):
    """Nobody said who is asking, or it was not true.

    ``scheme`` is how it should be said (RFC 7617, RFC 6750); ``error`` is RFC 6750's word for what
    was wrong with a token that was sent.
    """

    def __init__(self, scheme: str, description: str, *, error: str = "") -> None:
        """Take words for people, too."""
        super().__init__(description)
        told = f', error="{error}"' if error else ""
        self.challenge = f'{scheme} realm="{REALM}"{told}'

    def get_headers(self, *_arguments: Any, **_named: Any) -> list[tuple[str, str]]:
        """The challenge as a header."""
        return [("WWW-Authenticate", self.challenge)]


class Insufficient(NotAllowed):
    """A token holds, and does not permit what was asked for (RFC 6750, 3.1)."""

    def __init__(self, message: str, needed: str) -> None:
        """Take words for people, and the scopes that it takes, with blanks between."""
        super().__init__(message)
        self.challenge = f'Bearer realm="{REALM}", error="insufficient_scope", scope="{needed}"'
