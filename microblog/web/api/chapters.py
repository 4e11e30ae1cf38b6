"""What the manual of the API is made of, as its page shows it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Member:
    """A parameter, or a member of an object; ``shape`` is what its type refers to, if anything."""

    name: str
    type: str
    text: str
    is_required: bool
    where: str = ""
    shape: str = ""


@dataclass(frozen=True, slots=True)
class Shape:
    """An object that goes in or out."""

    name: str
    text: str
    members: list[Member]


@dataclass(frozen=True, slots=True)
class Answer:
    """A status that may be answered, and what it means; ``kind`` is the name of a problem."""

    status: str
    text: str
    headers: list[str]
    kind: str = ""
    shape: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """An operation."""

    name: str
    method: str
    path: str
    summary: str
    text: list[str]
    security: str
    parameters: list[Member]
    body: Shape | None
    request: str
    answer: str
    answers: list[Answer]
    is_deprecated: bool


@dataclass(frozen=True, slots=True)
class Group:
    """Operations that belong together."""

    name: str
    text: str
    entries: list[Entry]


@dataclass(frozen=True, slots=True)
class Manual:
    """All of it."""

    version: str
    groups: list[Group]
    shapes: list[Shape]
