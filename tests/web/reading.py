"""What a reader finds on a page: taken out of its HTML."""

import re
from dataclasses import dataclass
from html import unescape

from quart.wrappers import Response


@dataclass(frozen=True)
class Row:
    """A post as a list shows it; ``html`` is its whole article."""

    id: int
    author: str
    text: str
    html: str


def title(page: str) -> str:
    return _one(r"<title>(.*?)</title>", page)


def heading(page: str) -> str:
    return _one(r"<h1>(.*?)</h1>", page)


def flashes(page: str) -> list[str]:
    """The messages above the content, in their promised dress."""
    found = re.findall(r'<div class="alert alert-info" role="alert">(.*?)</div>', page, re.S)
    return [unescape(text.strip()) for text in found]


def error_at(page: str, field: str) -> str:
    """The error beside a field; empty if there is none."""
    found = re.search(rf'id="{field}-error">.*?<span>(.*?)</span>', page, re.S)
    return unescape(found[1]) if found else ""


def value_of(page: str, field: str) -> str:
    """What a field holds."""
    area = re.search(rf'<textarea[^>]* name="{field}"[^>]*>(.*?)</textarea>', page, re.S)
    if area:
        return unescape(area[1]).removeprefix("\r").removeprefix("\n")
    box = re.search(rf'<input[^>]* name="{field}"[^>]*>', page)
    assert box, f"no field {field}"
    found = re.search(r' value="([^"]*)"', box[0])
    return unescape(found[1]) if found else ""


def labels(page: str) -> dict[str, str]:
    """The labels of the page's form, by the id of the field that each is for."""
    content = page.partition("<main")[2].partition("</main>")[0]
    found = re.findall(r'<label for="([^"]+)">(.*?)</label>', content)
    return {field: unescape(text) for field, text in found}


def rows(page: str) -> list[Row]:
    """The posts of a list, from the top."""
    return [_row(html) for html in re.findall(r'<article class="post".*?</article>', page, re.S)]


def texts(page: str) -> list[str]:
    return [row.text for row in rows(page)]


def _row(html: str) -> Row:
    found = re.search(
        r'id="post-(\d+)" data-post-id="(\d+)" data-author="([^"]+)"', html.partition(">")[0]
    )
    assert found, html
    assert found[1] == found[2]
    body = re.search(r'<div class="post-body"[^>]*>(.*?)</div>', html, re.S)
    assert body, html
    return Row(int(found[1]), found[3], unescape(re.sub(r"<[^>]+>", "", body[1])), html)


def newer(page: str, label: str = "Newer posts") -> str | None:
    """Where the way to newer posts leads; ``None`` if it leads nowhere."""
    return _way(page, label)


def older(page: str, label: str = "Older posts") -> str | None:
    return _way(page, label)


def _way(page: str, label: str) -> str | None:
    assert page.count(f">{label}<") == 1
    found = re.search(rf'<a class="pager-way"[^>]* href="([^"]+)">{label}</a>', page)
    if found:
        return unescape(found[1])
    assert re.search(rf'<span class="pager-way disabled"[^>]* aria-disabled="true">{label}<', page)
    return None


def navigation(page: str) -> list[str]:
    """The words in the bar at the top."""
    bar = _one(r"<nav class=\"site-nav\".*?>(.*?)</nav>", page)
    bare = re.sub(r"<[^>]+>", "\n", bar)
    return [line.strip() for line in bare.split("\n") if line.strip()]


def badge(page: str) -> tuple[int, bool]:
    """The number of unread messages in the navigation, and whether it is to be seen."""
    found = _one(r'(<span id="message_count".*?</span>)', page)
    number = re.search(r">(\d+)<", found)
    assert number, found
    return int(number[1]), "is-hidden" not in found


def messages(page: str) -> list[str]:
    """What the messages of a list say, from the top."""
    articles = re.findall(r'<article class="post message.*?</article>', page, re.S)
    bodies = [re.search(r'<div class="post-body"[^>]*>(.*?)</div>', a, re.S) for a in articles]
    return [unescape(re.sub(r"<[^>]+>", "", found[1])) for found in bodies if found]


def leads_to(response: Response) -> str:
    """Where a redirect leads."""
    assert response.status_code in (302, 303), response.status_code
    return str(response.headers["Location"])


async def body(response: Response) -> str:
    return str(await response.get_data(as_text=True))


def _one(pattern: str, page: str) -> str:
    found = re.findall(pattern, page, re.S)
    assert len(found) == 1, (pattern, found)
    return unescape(found[0].strip())
