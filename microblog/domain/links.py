"""Links inside a post: addresses become clickable, everything else stays text."""

import unicodedata
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from linkify_it import LinkifyIt
from markupsafe import Markup, escape

# Only what says http or https; nothing guessed from a dot in a sentence.
_FINDER = LinkifyIt(
    {"ftp:": None, "//": None, "mailto:": None}, {"fuzzy_link": False, "fuzzy_email": False}
)
_LONGEST_ADDRESS = 2000


def linkify(body: str, marks: Sequence[tuple[int, int]] = ()) -> Markup:
    """The body as safe HTML: http(s) addresses are links, all else is escaped text.

    The links carry ``rel="nofollow noopener noreferrer"``; line ends stay line ends. ``marks`` are
    places in the body, in order, that stand out.
    """
    if "http" not in body and "HTTP" not in body:  # the usual post has none
        return _marked(body, 0, marks)
    pieces: list[Markup] = []
    position = 0
    for match in _FINDER.match(body) or []:
        if not _is_web_address(match.url):
            continue
        pieces.append(_marked(body[position : match.index], position, marks))
        pieces.append(_anchor(match.url, match.raw, match.index, marks))
        position = match.last_index
    pieces.append(_marked(body[position:], position, marks))
    return Markup("").join(pieces)


def _marked(text: str, offset: int, marks: Iterable[tuple[int, int]]) -> Markup:
    """A part of the body, escaped, with what stands out in it; ``offset`` is where it begins."""
    pieces: list[Markup] = []
    position = 0
    for begun, ended in marks:
        start, end = max(begun - offset, position), min(ended - offset, len(text))
        if start < end:
            pieces.append(escape(text[position:start]))
            pieces.append(Markup("<mark>{}</mark>").format(text[start:end]))
            position = end
    return Markup("").join([*pieces, escape(text[position:])])


def _anchor(url: str, text: str, offset: int, marks: Iterable[tuple[int, int]]) -> Markup:
    shown = _honest(text)
    inside = _marked(text, offset, marks) if shown == text else escape(shown)
    return Markup('<a href="{}" rel="nofollow noopener noreferrer">{}</a>').format(url, inside)


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
