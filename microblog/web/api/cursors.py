"""Lists by cursor: parts of a list, newest first, that neither skip nor repeat while others write.

A cursor is the id of something in the list, or of something that was.
"""

from typing import Annotated, Any, TypeVar
from urllib.parse import urlencode

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from microblog.domain.paging import LARGEST_ID, Place, Slice
from microblog.web.api.shapes import Number, Query, Shape, digits, left_out

MOST = 100
USUAL = 25

Limit = Annotated[int, Field(ge=1, le=MOST), BeforeValidator(digits)]


class Cursors(Query):
    """Which part of a list: its newest, or what is next to a cursor."""

    limit: Limit = Field(default=USUAL, description="How many at most.")
    before: Number | None = Field(
        default=None,
        description="An id: what is older than that, the newest of it.",
        json_schema_extra=left_out,
    )
    after: Number | None = Field(
        default=None,
        description="An id: what is newer than that, the nearest of it; not beside `before`.",
        json_schema_extra=left_out,
    )

    @field_validator("after")
    @classmethod
    def _is_alone(cls, after: int | None, told: ValidationInfo) -> int | None:
        if after is not None and told.data.get("before") is not None:
            raise ValueError("either before or after, not both")
        return after

    @property
    def place(self) -> Place:
        """The same for the domain: strictly what was asked for, however little it is."""
        return Place(before=self.before, after=self.after, exact=True)


class CursorLinks(Shape):
    """This part and the parts beside it.

    `next` is older, and `null` where there is nothing older. `prev` is newer, also where there is
    nothing newer yet: follow it to hear of what comes. It is `null` only in an empty list, and
    before the first of all ids.
    """

    self: str = Field(examples=["/api/posts?limit=25&before=4711"])
    next: str | None = Field(examples=["/api/posts?limit=25&before=4686"])
    prev: str | None = Field(examples=["/api/posts?limit=25&after=4710"])


class Listing(Shape):
    """A part of a list, newest first; each list says what its ``items`` are."""

    items: list[Any]
    links: CursorLinks = Field(serialization_alias="_links")


Listed = TypeVar("Listed", bound=Listing)


def listed(
    shape: type[Listed], items: list[Any], part: Slice[Any], path: str, cursors: Cursors
) -> tuple[Listed, int, dict[str, str]]:
    """An answer for a view: ``items``, which show those of ``part``, with links and their header.

    Whatever else the query narrowed the list by
    stays in the links.
    """
    beside = links(part, path, cursors)
    return shape(items=items, links=beside), 200, header(beside)


def links(part: Slice[Any], path: str, cursors: Cursors) -> CursorLinks:
    """This part of the list at this path, and the parts beside it."""

    def link(place: dict[str, int]) -> str:
        kept = cursors.model_dump(
            exclude={"before", "after"}, exclude_unset=True, exclude_none=True, by_alias=True
        )
        asked = urlencode(kept | place)
        return f"{path}?{asked}" if asked else path

    return CursorLinks(
        self=link(cursors.model_dump(include={"before", "after"}, exclude_none=True)),
        next=None if (older := _older(part, cursors)) is None else link(older),
        prev=link({"after": newest}) if (newest := _newest(part, cursors)) else None,
    )


def _newest(part: Slice[Any], cursors: Cursors) -> int | None:
    """What newer things are newer than; those beside an empty part begin with its own cursor."""
    if part.items:
        newest: int = part.items[0].id
        return newest
    return cursors.after or (cursors.before and cursors.before - 1)


def _older(part: Slice[Any], cursors: Cursors) -> dict[str, int] | None:
    if not part.items and cursors.after is not None:
        # Behind the largest of all numbers there is only the end of the list.
        return {} if cursors.after == LARGEST_ID else {"before": cursors.after + 1}
    if part.older is None:
        return None
    return {} if part.older.before is None else {"before": part.older.before}


def header(links: CursorLinks) -> dict[str, str]:
    """The same beside the answer (RFC 8288)."""
    beside = {"next": links.next, "prev": links.prev}
    told = [f'<{address}>; rel="{name}"' for name, address in beside.items() if address]
    return {"Link": ", ".join(told)} if told else {}
