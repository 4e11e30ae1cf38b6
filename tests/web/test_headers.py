"""The table of security headers, by itself."""

from microblog.web import headers

UNSAFE = ("unsafe-inline", "unsafe-eval", "unsafe-hashes", "data:", "blob:", "*", "http:")


def applied(*given: tuple[bytes, bytes], https: bool = False) -> dict[bytes, bytes]:
    return dict(headers.apply(given, https=https))


def test_every_header_is_put_on() -> None:
    result = applied((b"content-type", b"text/html"))
    for name, value in headers.SECURITY_HEADERS:
        assert result[name.encode()] == value.encode()
    assert result[b"content-type"] == b"text/html"
    assert result[b"cache-control"] == b"no-store"


def test_what_the_application_set_stays_whatever_its_spelling() -> None:
    result = headers.apply(
        [(b"Cache-Control", b"no-cache"), (b"X-Frame-Options", b"SAMEORIGIN")], https=True
    )
    names = [name.lower() for name, _ in result]
    assert len(names) == len(set(names))
    assert (b"X-Frame-Options", b"SAMEORIGIN") in result


def test_a_picture_may_do_nothing_at_all() -> None:
    result = applied((b"content-type", b"image/svg+xml"), https=True)
    for name, value in headers.PICTURE_HEADERS:
        assert result.pop(name.encode()) == value.encode()
    assert "script-src" not in headers.PICTURE_HEADERS[0][1]
    assert result.keys() == {b"content-type", b"cache-control", b"strict-transport-security"}


def test_hsts_only_on_https() -> None:
    assert b"strict-transport-security" not in applied()
    assert (
        applied(https=True)[b"strict-transport-security"] == b"max-age=63072000; includeSubDomains"
    )


def test_the_policy_has_no_unsafe_word() -> None:
    policy = headers.content_security_policy()
    assert not [word for word in UNSAFE if word in policy]
    directives = dict(part.split(" ", 1) for part in policy.split("; "))
    assert directives["default-src"] == "'none'"
    assert directives["frame-ancestors"] == "'none'"
    assert directives["base-uri"] == "'none'"
    assert directives["form-action"] == "'self'"
    assert directives["img-src"] == "'self'"


def test_pictures_may_come_from_one_more_place() -> None:
    result = dict(headers.apply([], https=False, image_sources=(headers.GRAVATAR,)))
    policy = result[b"content-security-policy"].decode()
    assert "img-src 'self' https://www.gravatar.com;" in policy
    assert "script-src 'self';" in policy
