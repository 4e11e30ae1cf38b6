"""Files as somebody might send them."""

import io
import json
import zipfile
from typing import Any

HEAD = {"format": "microblog-archive", "version": 1}
POST = {"id": 7, "body": "old words", "created_at": "2020-05-06T07:08:09.101112Z", "language": "en"}


def archive(*posts: Any, member: str = "archive.json", **head: Any) -> bytes:
    """A file as somebody might send it; its posts come first or last, as they were given."""
    return zipped({member: json.dumps(HEAD | {"posts": posts} | head).encode()})


def zipped(members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as whole:
        for name, content in members.items():
            whole.writestr(name, content)
    return file.getvalue()
