"""Members of a large JSON object, read one by one: the whole of it is never in memory."""

import json
from collections.abc import Iterator
from typing import IO, Any

# In characters. The longest entry of ours is a post: each of its characters takes six at most.
_LONGEST_ENTRY = 256 * 1024
_PIECE = 64 * 1024


class Members:
    """The members of a JSON object, one by one, and of a list that is one, entry by entry.

    No entry may be longer than 256 Ki characters. Raises ValueError for what is no such object.
    """

    _decoder = json.JSONDecoder()

    def __init__(self, text: IO[str]) -> None:
        """Take the text; nothing is read yet."""
        self._source = text
        self._text = ""
        self._at = 0

    def all(self) -> Iterator[tuple[str, Any]]:
        """Pairs of a name and a value; a list gives its name with each entry."""
        self._expect("{")
        ended = self._found("}")
        while not ended:
            if self._next() != '"':
                raise ValueError("a member without a name")
            name = self._value()
            self._expect(":")
            if self._found("["):
                yield from ((name, entry) for entry in self._entries())
            else:
                yield name, self._value()
            ended = self._goes_on("}")
        if self._next():
            raise ValueError("something follows the object")

    def _entries(self) -> Iterator[Any]:
        ended = self._found("]")
        while not ended:
            yield self._value()
            ended = self._goes_on("]")

    def _goes_on(self, end: str) -> bool:
        """Whether it ends here; else a comma has been read."""
        if self._found(end):
            return True
        self._expect(",")
        return False

    def _expect(self, sign: str) -> None:
        if not self._found(sign):
            raise ValueError(f"no {sign}")

    def _found(self, sign: str) -> bool:
        """Whether the next sign is this one; if so, it has been read."""
        if self._next() != sign:
            return False
        self._at += 1
        return True

    def _next(self) -> str:
        """The next sign that is no blank; nothing at the end."""
        while True:
            while self._at < len(self._text):
                sign = self._text[self._at]
                if sign not in " \t\r\n":
                    return sign
                self._at += 1
            if not self._more():
                return ""

    def _value(self) -> Any:
        self._next()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except json.JSONDecodeError:
                end = len(self._text)
            # What reaches to the end of the part may go on in the next one.
            if end < len(self._text):
                self._at = end
                return value
            if len(self._text) - self._at > _LONGEST_ENTRY or not self._more():
                raise ValueError("no value, or an endless one")

    def _more(self) -> bool:
        piece = self._source.read(_PIECE)
        self._text = self._text[self._at :] + piece
        self._at = 0
        return bool(piece)
