"""What goes in and out of the API, as types. What is not declared is refused, or not there."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from microblog.domain.paging import LARGEST_ID
from microblog.live.wire import iso
from microblog.web import problems

# Any one, for examples.
AN_HOUR = "2026-11-21T12:00:00.000Z"
Moment = Annotated[
    datetime,
    PlainSerializer(iso, return_type=str),
    Field(
        description="ISO 8601 in UTC, ending in `Z`.",
        json_schema_extra={"format": "date-time"},
        examples=[AN_HOUR],
    ),
]
# The same where it is a text already.
Stamp = Annotated[
    str,
    Field(
        description="ISO 8601 in UTC, ending in `Z`.",
        json_schema_extra={"format": "date-time"},
        examples=[AN_HOUR],
    ),
]
Id = Annotated[int, Field(ge=1, le=LARGEST_ID, examples=[42])]


def digits(raw: object) -> object:
    """Let pass what may be a number in a query: ASCII digits only."""
    # Readers of numbers take blanks, underscores, signs and foreign digits, too.
    if isinstance(raw, str) and not (raw.isascii() and raw.isdigit() and len(raw) <= 10):
        raise ValueError("a whole number is expected")
    return raw


Number = Annotated[int, Field(ge=1, le=LARGEST_ID), BeforeValidator(digits)]


class Body(BaseModel):
    """What a request carries: of the right types, and nothing else."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Query(BaseModel):
    """What stands behind the question mark: known names only, each once."""

    model_config = ConfigDict(extra="forbid")


class NoQuery(Query):
    """Nothing stands behind the question mark."""


class Shape(BaseModel):
    """What an answer holds, exactly."""

    model_config = ConfigDict(extra="forbid", serialize_by_alias=True)


def left_out(schema: dict[str, Any]) -> None:
    """A member that may be left out, and has no value then: no default, and no null."""
    schema.pop("default", None)
    for choice in schema.pop("anyOf", ()):
        if choice != {"type": "null"}:
            schema.update(choice)


_DETAIL = "username: Field required"


class Fault(Shape):
    """One thing that is wrong with a request."""

    field: str = Field(description="Where it is, as a path.", examples=["username"])
    message: str = Field(examples=["Field required"])


class Problem(Shape):
    """Why something was not done (RFC 9457), with the two members that were always there."""

    type: str = Field(
        description="The kind of problem; stable.",
        json_schema_extra={"enum": [kind.type for kind in problems.KINDS]},
        examples=["/api/docs#bad-request"],
    )
    title: str = Field(description="The name of the status.", examples=["Bad Request"])
    status: int = Field(examples=[400])
    detail: str = Field(description="What is wrong, in English.", examples=[_DETAIL])
    error: str = Field(description="As `title`.", examples=["Bad Request"])
    message: str = Field(description="As `detail`.", examples=[_DETAIL])
    errors: list[Fault] = Field(
        default=[],
        description="What is wrong with the members of the request, where it is about them.",
        json_schema_extra=left_out,
    )
    request_id: str = Field(
        default="",
        description="The number of the request, to quote.",
        examples=["4f0c2b7e9a1d4c55"],
        json_schema_extra=left_out,
    )
