"""What a body must be like inside."""

import time

import pytest

from microblog.web.edge import contents
from tests.web.edge.speaking import Server, assert_refused

FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (FORM, b"a=\xff"),
        (FORM, b"a=%FF"),
        (FORM, b"a=%ED%A0%80"),
        (FORM, b"&".join([b"a=1"] * 1001)),
        ("application/json", b'"\xff"'),
        ("application/json; charset=utf-16", '{"a":"ü"}'.encode("utf-16")),
        ("application/json", b"[" * 33 + b"]" * 33),
        ("application/vnd.api+json", b"[" * 60_000),
        ("application/json", b'{"a":' * 33),
        ("multipart/form-data", b"--b--"),
        ("multipart/form-data; boundary=b", b"--b\r\n" * 1002),
    ],
)
async def test_bodies_that_cannot_be_read(server: Server, content_type: str, body: bytes) -> None:
    for path in ("/form", "/json"):
        assert_refused(await server.post(path, content_type, body), 400)
    assert server.calls == []


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 32 + b"]" * 32,
        b'"' + b"[" * 1000 + b'"',
        b'"' + rb"\"" * 100 + b"[" * 1000 + b'"',
        b'{"a":' * 31 + b'["]"]' + b"}" * 31,
        b"[" + b",".join([b"[]"] * 1000) + b"]",
    ],
)
async def test_json_that_only_looks_deep(server: Server, body: bytes) -> None:
    assert (await server.post("/json", "application/json", body)).status == 200


@pytest.mark.parametrize(
    "body", [b'"' * 65536, rb'"\"' * 20000, b'"' + b"\\" * 65535, b"]" * 65536]
)
def test_the_scan_for_depth_is_linear(body: bytes) -> None:
    begun = time.perf_counter()
    contents.is_shallow(b"[" * 33 + body)
    contents.is_shallow(b"[" * 30000 + body + b"]" * 30000)
    assert time.perf_counter() - begun < 0.5


def test_multipart_counts_what_the_boundary_separates() -> None:
    body = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' * 1000 + b"--b--\r\n"
    contents.check('multipart/form-data; boundary="b"', body)
