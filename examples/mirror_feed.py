"""Keep a copy of a list of posts in a file: one JSON object a line, each post once, oldest first.

    python mirror_feed.py posts.jsonl                    # what you read: your timeline
    python mirror_feed.py posts.jsonl --list everybody   # or a person's posts: --list 42

Run it again and it goes on behind the last line. It may be killed at any moment: half a line at the
end is dropped. What comes into the list further down (posts out of an archive, older ones of whom
you follow now), edits and deletions do not reach the file.

MICROBLOG_TOKEN is a token with the scope `read`, MICROBLOG_URL where the service is. Needs the
package httpx, and Linux or macOS for its lock. Exit status: 0 when nothing is newer, 1 on trouble.
"""

import argparse
import fcntl
import json
import os
import re
import sys
import time
from pathlib import Path
from typing import Any, BinaryIO

import httpx

URL = os.environ.get("MICROBLOG_URL", "http://127.0.0.1:5000")
TOKEN = os.environ.get("MICROBLOG_TOKEN", "").strip()
PATHS = {"timeline": "/api/timeline", "everybody": "/api/posts"}
LONGEST_PAUSE = 300
LONGEST_LINE = 2**20


def main() -> None:
    """Bring the file up to date."""
    parser = argparse.ArgumentParser(description="Keep a copy of a list of posts in a file.")
    parser.add_argument("file", help="made at the first run")
    parser.add_argument("--list", default="timeline", help="timeline, everybody, or a user's id")
    parser.add_argument("--limit", default="100", help="posts in a request, 1 to 100")
    given = parser.parse_args()
    if not (TOKEN.isascii() and TOKEN.startswith("mb_") and URL.startswith("http")):
        sys.exit("set MICROBLOG_TOKEN to a token, and MICROBLOG_URL to an address")
    path = f"{PATHS.get(given.list, f'/api/users/{given.list}/posts')}?limit={given.limit}"
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with (
        Path(given.file).open("a+b") as file,
        httpx.Client(base_url=URL, headers=headers, timeout=30) as client,
    ):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit("another process is writing to this file")
        mirror(client, file, path)


def mirror(client: httpx.Client, file: BinaryIO, path: str) -> None:
    """Append what is missing, part by part."""
    last = last_id(file)
    if last is None:
        # Down to the oldest post, which alone is written: all others are newer than that.
        part = get(client, path)
        while part["_links"]["next"]:
            part = get(client, part["_links"]["next"])
        last = append(file, part["items"][-1:])
    while last and (items := get(client, f"{path}&after={last}")["items"]):
        last = append(file, items)
    sys.stdout.write(f"up to date; the last post is {last}\n" if last else "no posts yet\n")


def last_id(file: BinaryIO) -> int | None:
    """The id in the last whole line; what stands behind that line is dropped."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - LONGEST_LINE))
    lines, newline, half = file.read().rpartition(b"\n")
    found = re.match(rb'\{"id": (\d+), ', lines.rpartition(b"\n")[2])
    # A file of another kind is left alone.
    if bool(newline) != bool(found) or half[:7] != b'{"id": '[: len(half)]:
        sys.exit("this file is no mirror of posts")
    file.truncate(size - len(half))
    return int(found[1]) if found else None


def append(file: BinaryIO, newest_first: list[dict[str, Any]]) -> int | None:
    """Write these posts, to the disk; the id of the newest."""
    lines = (json.dumps({"id": post["id"], **post}) + "\n" for post in reversed(newest_first))
    file.write("".join(lines).encode())
    file.flush()
    os.fsync(file.fileno())
    return newest_first[0]["id"] if newest_first else None


def get(client: httpx.Client, path: str) -> Any:
    """What is there; tried again where that may help."""
    for pause in (1, 2, 5, 15, 60, 0):
        try:
            answer = client.get(path)
            if answer.is_success:
                return answer.json()
            trouble, told = f"answered {answer.status_code}", answer.headers.get("Retry-After", "")
            if answer.is_client_error and not told:
                break
        except httpx.TransportError as error:
            trouble, told = f"no answer ({type(error).__name__})", ""
        wait = int(told) if told.isdecimal() else pause
        if not pause or wait > LONGEST_PAUSE:
            break
        time.sleep(wait)
    sys.exit(f"{trouble}: {path}")


if __name__ == "__main__":
    main()
