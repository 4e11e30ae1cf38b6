"""Fetching an archive: the file, from the disk as whoever fetches it takes it."""

import logging
from pathlib import Path
from typing import Any

from quart import send_file

from microblog.adapters.shelf import off_the_loop
from microblog.domain.archives import ArchiveView
from microblog.domain.errors import NotFound
from microblog.web import scope

log = logging.getLogger(__name__)

ZIP = "application/zip"


async def answer(found: ArchiveView) -> Any:
    """The answer that is the file of one of the viewer's archives. Raises :class:`NotFound`."""
    # The row knows the name of the file; what the address says has no part in it.
    path = scope.resources().archives.path(found.name)
    if not await off_the_loop(path.is_file):
        log.warning("an archive is not in %s: do all machines share that folder?", path.parent)
        raise NotFound
    # A large file over a slow line takes longer than a page: nothing is held meanwhile.
    await scope.close()
    filename = f"microblog-{scope.viewer().username}-{found.created_at:%Y-%m-%d}.zip"
    return await _sent(path, filename)


async def _sent(path: Path, filename: str) -> Any:
    response = await send_file(
        path, mimetype=ZIP, as_attachment=True, attachment_filename=filename, add_etags=False
    )
    response.timeout = None
    response.headers["Cache-Control"] = "no-store"
    del response.headers["Last-Modified"]
    return response
