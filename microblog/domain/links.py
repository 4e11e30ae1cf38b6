"""Links inside a post: addresses become clickable, everything else stays text."""

import unicodedata
from urllib.parse import urlsplit

from linkify_it import LinkifyIt
from markupsafe import Markup, escape

# Only what says http or https; nothing guessed from a dot in a sentence.
_FINDER = LinkifyIt(
    {"ftp:": None, "//": None, "mailto:": None}, {"fuzzy_link": False, "fuzzy_email": False}
)
_LONGEST_ADDRESS = 2000


def linkify(body: str) -> Markup:
    """The body as safe HTML: http(s) addresses are links, all else is escaped text.

    The links carry ``rel="nofollow noopener noreferrer"``; line ends stay line ends.
    """
    if "http" not in body and "HTTP" not in body:  # the usual post has none
        return escape(body)
    pieces: list[Markup] = []
    position = 0
    for match in _FINDER.match(body) or []:
        if not _is_web_address(match.url):
            continue
        pieces.append(escape(body[position : match.index]))
        pieces.append(_anchor(match.url, match.raw))
        position = match.last_index
    pieces.append(escape(body[position:]))
    return Markup("").join(pieces)


def _anchor(url: str, text: str) -> Markup:
    return Markup('<a href="{}" rel="nofollow noopener noreferrer">{}</a>').format(
        url, _honest(text)
    )


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return (
        parts.scheme.lower() in ("http", "https")
        and bool(parts.hostname)
        and (len(url) <= _LONGEST_ADDRESS)
    )


def _honest(text: str) -> str:
    """The address as shown: a host that mixes scripts is shown in its ASCII form."""
    if text.isascii():
        return text
    host = urlsplit(text).hostname or ""
    if not any(_mixes_scripts(label) for label in host.split(".")):
        return text
    try:
        return text.replace(host, host.encode("idna").decode("ascii"), 1)
    except UnicodeError:
        return text.encode("ascii", "backslashreplace").decode("ascii")


def _mixes_scripts(label: str) -> bool:
    scripts = {unicodedata.name(c, "?").split(" ")[0] for c in label if c.isalpha()}
    return len(scripts & {"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE"}) > 1
