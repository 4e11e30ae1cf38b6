"""Links inside a post."""

import re
import time

import pytest

from microblog.domain.links import linkify

OPEN = re.compile(r'<a href="([^"]*)" rel="nofollow noopener noreferrer">([^<]*)</a>')


def links(body: str) -> list[tuple[str, str]]:
    return OPEN.findall(str(linkify(body)))


@pytest.mark.parametrize(
    ("body", "address"),
    [
        ("https://example.com", "https://example.com"),
        ("see http://example.com/a_(b)?c=1#d.", "http://example.com/a_(b)?c=1#d"),
        ("(https://example.com/x)", "https://example.com/x"),
        ("https://example.com/x, or", "https://example.com/x"),
        ("HTTPS://EXAMPLE.COM/A", "HTTPS://EXAMPLE.COM/A"),
        ("line\nhttps://example.com/x\nline", "https://example.com/x"),
        ("https://example.com:8080/", "https://example.com:8080/"),
        ("http://127.0.0.1/x", "http://127.0.0.1/x"),
    ],
)
def test_what_says_http_is_a_link(body: str, address: str) -> None:
    assert links(body) == [(address, address)]


@pytest.mark.parametrize(
    "body",
    [
        "javascript:alert(1)",
        "javascript://example.com/%0aalert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:x",
        "ftp://example.com",
        "//example.com",
        "example.com",
        "www.example.com",
        "mailto:susan@example.com",
        "susan@example.com",
        "http://",
        "https:///",
        "http:example.com",
        "[text](javascript:alert(1))",
        "file:///etc/passwd http",
        "hxxp://example.com http",
    ],
)
def test_everything_else_stays_text(body: str) -> None:
    """T-27."""
    assert "<a" not in linkify(body)


@pytest.mark.parametrize(
    "body",
    [
        "http://a\"onx='alert(1)'",
        'https://example.com/"onmouseover="alert(1)',
        "https://example.com/'><script>alert(1)</script>",
        "https://example.com/<b>x</b>",
        "http://example.com/https://evil.example/http://a",
        '<a href="http://example.com">http://example.com</a>',
        "<http://example.com>",
        "https://user:pass@example.com/",
        "http://[::1]/ http://[",
        "https://example.com/&lt;&amp;",
        "[b]http://example.com[/b] [x](http://example.com)",
        "http://example.com\u202ehttp://example.org",
        "HTTP://" * 50,
        "http://\u0000",
    ],
)
def test_nothing_breaks_out_and_nothing_nests(body: str) -> None:
    """T-26, T-27: what is no link is escaped, and every link is exactly of our making."""
    html = str(linkify(body))
    rest = OPEN.sub("", html)
    assert "<" not in rest
    assert '"' not in rest
    for address, shown in OPEN.findall(html):
        assert address.lower().startswith(("http://", "https://"))
        assert "<" not in shown
        assert "<a" not in shown


def test_an_address_of_five_hundred_characters() -> None:
    """T-27."""
    address = "https://example.com/" + "a" * 480
    assert links(address) == [(address, address)]


def test_a_host_that_mixes_scripts_is_shown_as_it_is() -> None:
    """T-27: a Cyrillic letter among Latin ones is not shown as if it were Latin."""
    ((address, shown),) = links("https://ex\u0430mple.com/path")
    assert "\u0430" not in shown
    assert "xn--" in shown
    assert "/path" in shown
    assert "xn--" in address or "%" in address or "\u0430" in address


def test_a_host_of_one_script_is_shown_in_it() -> None:
    for host in ("пример.испытание", "münchen.example", "例え.テスト"):
        ((_, shown),) = links(f"https://{host}/")
        assert host in shown


def test_a_text_without_links_is_escaped_only() -> None:
    assert linkify("a < b & \"c\" 'd'\n") == "a &lt; b &amp; &#34;c&#34; &#39;d&#39;\n"


@pytest.mark.parametrize(
    "attack",
    [
        "http://" + "a." * 246,
        "http://" + "(" * 490,
        "http://a/" + "()" * 245,
        "http://a/" + "?" * 490,
        "http" * 125,
        "http:" * 100,
        "://" * 166 + "http",
        "http://a/" + "\u202e" * 490,
        "http://" + "😀" * 490,
        "http://" + "-" * 490 + ".",
        "http://a" + ":1" * 245,
        "http://a/" + ".." * 245,
        "http://a/" + "[[" * 245,
    ],
)
def test_no_text_takes_long(attack: str) -> None:
    """T-47: the longest post there may be."""
    begun = time.perf_counter()
    linkify(attack[:500])
    assert time.perf_counter() - begun < 0.25
