"""Archives that somebody has sent: what is read out of them, and what is refused before it does harm."""

import json
import time
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from microblog.domain.restoring import Restored
from microblog.jobs import unpacking
from microblog.jobs.unpacking import NoArchive, Parcel
from microblog.models import utc_now
from tests.jobs.parcels import HEAD, POST, archive, zipped

LONG = "x" * 20_000
FUTURE = f"{utc_now() + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"
BOMB = json.dumps(HEAD | {"posts": []}).encode()[:-1] + b" " * 3_000_000 + b"}"
NESTED = json.dumps(HEAD).encode()[:-1] + b', "x": ' + b"[" * 100_000
ENDLESS = json.dumps(HEAD).encode()[:-1] + b', "posts": [{"body": "' + b"ha" * 900_000


def many_members() -> bytes:
    return zipped({f"{n:060}": b"" for n in range(2000)}, zipfile.ZIP_STORED)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(content, reason, id=name)
        for name, content, reason in (
            ("empty", b"", unpacking.NO_ARCHIVE),
            ("text", b"hello" * 1000, unpacking.NO_ARCHIVE),
            ("cut", archive(POST)[:-30], unpacking.NO_ARCHIVE),
            ("another zip", zipped({"a.txt": b"a"}), unpacking.NO_ARCHIVE),
            ("no json", zipped({"archive.json": b"{'a'}"}), unpacking.NO_ARCHIVE),
            ("no object", zipped({"archive.json": b"[1, 2]"}), unpacking.NO_ARCHIVE),
            ("no utf-8", zipped({"archive.json": b'{"format": "\xff"}'}), unpacking.NO_ARCHIVE),
            ("nothing said", zipped({"archive.json": b"{}"}), unpacking.NO_ARCHIVE),
            ("another format", archive(POST, format="other"), unpacking.NO_ARCHIVE),
            (
                "no version",
                zipped({"archive.json": b'{"format": "microblog-archive"}'}),
                unpacking.NO_ARCHIVE,
            ),
            ("version 2", archive(POST, version=2), unpacking.UNKNOWN_VERSION),
            ("version true", archive(POST, version=True), unpacking.UNKNOWN_VERSION),
            (
                "something behind",
                zipped({"archive.json": json.dumps(HEAD).encode() + b"{}"}),
                unpacking.NO_ARCHIVE,
            ),
            ("nested", zipped({"archive.json": NESTED}), unpacking.NO_ARCHIVE),
            ("endless text", zipped({"archive.json": ENDLESS}), unpacking.NO_ARCHIVE),
            ("many members", many_members(), unpacking.NO_ARCHIVE),
            (
                "packed otherwise",
                zipped({"archive.json": json.dumps(HEAD).encode()}, zipfile.ZIP_LZMA),
                unpacking.NO_ARCHIVE,
            ),
            ("bomb", zipped({"archive.json": BOMB}), unpacking.TOO_LARGE),
            *(
                (f"post {number}", archive(POST, post), unpacking.BAD_POST)
                for number, post in enumerate(
                    (
                        *(None, 1, "text", [], {}),
                        *(
                            {**POST, "body": body}
                            for body in (None, "", "  ", 1, "a\0b", "\ud800", LONG + "x")
                        ),
                        *({**POST, "created_at": at} for at in (None, 5, "", "yesterday", FUTURE)),
                        *(
                            {**POST, "created_at": at}
                            for at in ("2020-01-01", "2020-01-01T00:00:00", "1969-12-31T23:59:59Z")
                        ),
                        *(
                            {**POST, "created_at": at}
                            for at in ("0001-01-01T00:00:00+23:00", "9999-12-31T00:00:00-23:00")
                        ),
                        *({**POST, "edited_at": at} for at in (5, "never", FUTURE)),
                        *(
                            {**POST, "language": code}
                            for code in (5, "e", "en en", "e" * 17, "<b>")
                        ),
                    )
                )
            ),
        )
    ],
)
def test_what_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    """T-38, T-64: whatever is sent costs neither much memory nor much time."""
    began = time.monotonic()
    with pytest.raises(NoArchive) as refused:
        read(tmp_path, content)
    assert str(refused.value) == reason
    assert time.monotonic() - began < 5


def read(folder: Path, content: bytes, portion: int = 50) -> list[list[Restored]]:
    path = folder / "sent.zip"
    path.write_bytes(content)
    parcel = Parcel(path, most_bytes=2_000_000, now=utc_now())
    found = []
    try:
        while posts := parcel.next_posts(portion):
            found.append(posts)
    finally:
        parcel.close()
    return found


def test_what_is_read(tmp_path: Path) -> None:
    content = archive(POST, {**POST, "body": LONG, "edited_at": None, "language": "zh_Hant"})
    ((first, second),) = read(tmp_path, content)
    at = datetime(2020, 5, 6, 7, 8, 9, 101112, tzinfo=UTC)
    assert first == Restored("old words", at, None, "en")
    assert second == Restored(LONG, at, None, "zh_Hant")


def test_it_may_be_written_otherwise(tmp_path: Path) -> None:
    """By another program: in another order, with other blanks, and more than we know of."""
    text = json.dumps(
        {"posts": [{**POST, "likes": 3}], "more": {"a": [1, {}]}, "none": [], **HEAD}, indent=7
    )
    for content in (text, text.encode("utf-8-sig").decode(), text.replace("\n", "\r\n")):
        assert len(read(tmp_path, zipped({"archive.json": content.encode()}))[0]) == 1
    unusual = zipped({"archive.json": text.encode()}, zipfile.ZIP_STORED)
    assert len(read(tmp_path, unusual)[0]) == 1


def test_posts_of_one_moment_stay_together(tmp_path: Path) -> None:
    posts = [
        {**POST, "created_at": f"2020-01-01T00:00:0{second}Z"} for second in (1, 2, 2, 2, 3, 4)
    ]
    assert [len(part) for part in read(tmp_path, archive(*posts), 2)] == [4, 2]
    flood = [POST] * 5000
    assert [len(part) for part in read(tmp_path, archive(*flood), 50)] == [1000] * 5


def test_large_ones_are_read_in_parts(tmp_path: Path) -> None:
    """A megabyte of text is never in memory at once, wherever its parts are cut."""
    posts = [{**POST, "body": f"{n} " + "☃" * (n % 7 * 50)} for n in range(1000)]
    found = [post.body for part in read(tmp_path, archive(*posts)) for post in part]
    assert found == [post["body"].strip() for post in posts]
