"""Letters as files, for a server without mail: one `.eml` each, to be opened with any mail program.

A file appears whole or not at all, and the same letter is always the same file.
"""

import asyncio
import logging
import os
import re
import secrets
from email.message import EmailMessage
from pathlib import Path

from microblog.adapters.mailer.promise import Unreachable

log = logging.getLogger(__name__)


class FolderMailer:
    """Puts letters into a folder, and says in the log where."""

    def __init__(self, folder: Path) -> None:
        """Take the folder; it is made with the first letter."""
        self._folder = folder

    async def send(self, message: EmailMessage) -> None:
        """Write the file, off the loop."""
        path = self._folder / f"{_name(message)}.eml"
        try:
            await asyncio.to_thread(_write, path, message)
        except OSError as error:
            raise Unreachable(f"{path} cannot be written: {error.strerror}") from error
        log.info("a letter was written to %s (no mail server is set)", path)

    async def close(self) -> None:
        """Nothing is open."""


def _name(message: EmailMessage) -> str:
    local_part = str(message["Message-ID"] or "").strip("<>").partition("@")[0]
    return re.sub(r"[^\w.-]", "_", local_part, flags=re.ASCII).lstrip(".") or secrets.token_hex(8)


def _write(path: Path, message: EmailMessage) -> None:
    # Letters hold links that open accounts: they are for the operator's eyes only.
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(message.as_bytes())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
