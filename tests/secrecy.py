"""What must never be in a log, and how to find it there."""

import re

# What the tests' own people and browsers know, word for word.
_KNOWN = {b"correct horse battery", b"a secret that only tests know"}
_spoken: set[bytes] = set()

# What looks like one of ours, whoever it belongs to.
_SHAPES = (
    re.compile(rb"eyJ[\w-]{12,}\.[\w-]+"),  # a token as links have it
    re.compile(rb"\$argon2id\$"),
    re.compile(rb"microblog_(?:login|visit)=[\w.-]{12,}"),
    re.compile(rb"(?<![\w-])mb_[\w-]{40,}"),  # a token of the API
    re.compile(rb"csrf_token=[\w.-]{12,}"),
)


def spoken(secret: str) -> None:
    """A secret that a browser of the tests has held."""
    if len(secret) > 20:
        _spoken.add(secret.encode())


def betrayed(text: bytes) -> list[bytes]:
    """The secrets in a text."""
    found = [secret for secret in _KNOWN | _spoken if secret in text]
    return found + [match[0] for shape in _SHAPES if (match := shape.search(text))]
