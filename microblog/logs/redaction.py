"""A net below the rule that nothing secret is logged: crosses out what looks like a secret.

The rule itself is kept where lines are written (route names instead of paths, statements without
parameters). This catches what others put into their errors.
"""

import re

HIDDEN = "***"

# Between a name and its value, in a header, an address, or what Python or JSON print.
_IS = r"(\\?[\"']?\s*[:=,]\s*b?\\?[\"']?)"

_RULES = tuple(
    (re.compile(pattern, re.ASCII | re.IGNORECASE | re.MULTILINE), replacement)
    for pattern, replacement in (
        # Headers, as a header line and as the pair that Python prints.
        (
            r"\b(authorization|cookie|x-csrftoken)" + _IS + r"[^\r\n\"']+",
            rf"\1\2{HIDDEN}",
        ),
        (r"\b(bearer|basic)\s+[\w.~+/=-]{8,}", rf"\1 {HIDDEN}"),
        # name=value, "name": "value", name: value
        (
            r"(token|passw(?:or)?d2?|secret(?:_key)?|api[_-]?key|microblog_(?:login|visit))"
            + _IS
            + r"[^\s&\"',;)]+",
            rf"\1\2{HIDDEN}",
        ),
        (r"(/auth/\w+/)[^\s/?#\"']+", rf"\1{HIDDEN}"),
        (r"(?<![\w-])mb_[\w-]{20,}", HIDDEN),
        (r"(?<![\w-])eyJ[\w-]+\.[\w-]+\.[\w-]*", HIDDEN),
        (r"(://[^\s:/@]*:)[^\s@/]+@", rf"\1{HIDDEN}@"),
        (r"\$argon2\w*\$[^\s\"']+", HIDDEN),
        # What was being stored: SQLAlchemy's parameters, PostgreSQL's row or key.
        (r"\[parameters: .*", f"[parameters: {HIDDEN}]"),
        (r"(\bDETAIL: ).*", rf"\1{HIDDEN}"),
    )
)


def redacted(text: str) -> str:
    """The same text, with everything crossed out that looks like a secret."""
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text
