"""Large files that people send: streamed to the disk, where a path says that it takes one.

Such a path has limits of its own for length and time, takes one file and nothing but a form with a
file. The guard before the view reads the form, so the file lies on the disk before anybody looks at
it; unless a view keeps it, it is gone when the request ends. Of one person only one file arrives at
a time, so that nobody can hold all places; how slow it may come, the edge decides.
"""

import os
from collections.abc import Mapping
from typing import IO, Any, BinaryIO

from quart import Quart, current_app, request
from quart import Request as PlainRequest
from quart.formparser import FormDataParser
from werkzeug.exceptions import BadRequest

from microblog.adapters.shelf import Shelf, new_name, off_the_loop
from microblog.domain.actors import Actor
from microblog.domain.errors import Busy
from microblog.web import patience, scope

EXTENSION = "microblog.uploads"

# Whoever sends slower than this many seconds allow may try from somewhere else.
_LONGEST_SECONDS = 900
# Files that are arriving at one process at the same time.
_MOST = 8


class Upload:
    """A file that has arrived, or is arriving."""

    def __init__(self, shelf: Shelf) -> None:
        """Begin the file."""
        self.name = new_name()
        self._shelf = shelf
        self._kept = False
        self.file: BinaryIO = shelf.begin(self.name)

    async def is_empty(self) -> bool:
        """Whether nothing was sent, as where nobody chose a file."""
        return await off_the_loop(self.file.seek, 0, os.SEEK_END) == 0

    async def keep(self) -> str:
        """Have it outlive the request and a power cut; returns its name."""
        await off_the_loop(self._keep)
        return self.name

    def _keep(self) -> None:
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.close()
        self._shelf.publish(self.name)
        self._kept = True

    async def drop(self) -> None:
        """Take back what :meth:`keep` has done."""
        self._kept = False
        await self.let_go()

    async def let_go(self) -> None:
        """Close it; what nobody keeps is removed."""
        await off_the_loop(self._let_go)

    def _let_go(self) -> None:
        self.file.close()
        if not self._kept:
            self._shelf.remove(self.name)


class Door:
    """Where one application takes large files, and those that are arriving."""

    def __init__(self, paths: Mapping[str, int], shelf: Shelf) -> None:
        """Take the largest body in bytes for each path, and where to put files."""
        self.paths = paths
        self._shelf = shelf
        self._arriving: dict[int, Upload] = {}

    def is_sending(self, actor: Actor) -> bool:
        """Whether a file of this person is arriving here."""
        return actor.id in self._arriving

    def begin(self, actor: Actor) -> Upload:
        """Let one in. Raises :class:`Busy` when there are too many, or one of this person."""
        if len(self._arriving) >= _MOST or self.is_sending(actor):
            raise Busy
        upload = self._arriving[actor.id] = Upload(self._shelf)
        return upload

    async def see_off(self, upload: Upload) -> None:
        """It is done with."""
        for person, arriving in list(self._arriving.items()):
            if arriving is upload:
                del self._arriving[person]
        await upload.let_go()


class _Parser(FormDataParser):
    """Reads forms with a file, and nothing else: other kinds are read as a whole."""

    parse_functions = {  # noqa: RUF012 (the framework declares it so)
        "multipart/form-data": FormDataParser.parse_functions["multipart/form-data"]
    }


def install(app: Quart, paths: Mapping[str, int], shelf: Shelf) -> None:
    """Let these paths, which are for people who are logged in, take files."""
    door = Door(paths, shelf)

    class Request(PlainRequest):
        """A request that knows how much its path takes."""

        upload: Upload | None = None

        def __init__(self, method: str, scheme: str, path: str, *rest: Any, **options: Any) -> None:
            if path in door.paths:
                options |= {
                    "max_content_length": door.paths[path],
                    "body_timeout": _LONGEST_SECONDS,
                }
            super().__init__(method, scheme, path, *rest, **options)
            if path in door.paths:
                self.max_content_length = door.paths[path]
                self.form_data_parser_class = _Parser

        def make_form_data_parser(self) -> FormDataParser:
            patience.begin(self.scope)
            parser = super().make_form_data_parser()
            if self.path in door.paths:
                parser.stream_factory = self._begin
            return parser

        def _begin(self, *_described: Any) -> IO[bytes]:
            if self.upload is not None:
                raise BadRequest
            self.upload = door.begin(scope.viewer())
            return self.upload.file

    app.request_class = Request
    app.asgi_app = patience.Patience(  # type: ignore[method-assign]  # the documented way
        app.asgi_app, door.paths
    )
    app.extensions[EXTENSION] = door

    @app.teardown_request
    async def see_off(_error: BaseException | None) -> None:
        upload = received()
        if upload is not None:
            await door.see_off(upload)


def is_sending(actor: Actor) -> bool:
    """Whether a file of this person is arriving at this process."""
    door: Door = current_app.extensions[EXTENSION]
    return door.is_sending(actor)


def received() -> Upload | None:
    """The file that came with this request, once its form has been read."""
    found: Upload | None = getattr(request, "upload", None)
    return found
