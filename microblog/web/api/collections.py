"""Numbered pages of people, in the envelope that they have always had."""

from urllib.parse import urlencode

from pydantic import Field

from microblog.domain import directory
from microblog.web.api import people
from microblog.web.api.people import User
from microblog.web.api.shapes import Number, Query, Shape

MOST = 100
USUAL = 10


class Paging(Query):
    """Which page, and how long a page is."""

    page: Number = 1
    per_page: Number = Field(default=USUAL, description=f"More than {MOST} is {MOST}.")

    @property
    def size(self) -> int:
        """How many are really on a page."""
        return min(self.per_page, MOST)


class Meta(Shape):
    """Where in the list this page is."""

    page: int = Field(examples=[2])
    per_page: int = Field(examples=[10])
    total_pages: int = Field(examples=[4])
    total_items: int = Field(examples=[37])


class PageLinks(Shape):
    """This page and the pages beside it; `null` where there is none."""

    self: str = Field(examples=["/api/users?page=2&per_page=10"])
    next: str | None = Field(examples=["/api/users?page=3&per_page=10", None])
    prev: str | None = Field(examples=["/api/users?page=1&per_page=10", None])


class Users(Shape):
    """A page of people, by id."""

    items: list[User]
    meta: Meta = Field(serialization_alias="_meta")
    links: PageLinks = Field(serialization_alias="_links")


def enveloped(found: directory.Page, path: str, paging: Paging, *, to: int) -> Users:
    """A page of the list at ``path`` for the person with the id ``to``."""
    pages = -(-found.total // paging.size)
    return Users(
        items=[people.shown(entry, to=to) for entry in found.items],
        meta=Meta(
            page=paging.page, per_page=paging.size, total_pages=pages, total_items=found.total
        ),
        links=page_links(path, paging, pages),
    )


def page_links(path: str, paging: Paging, pages: int, **asked: str) -> PageLinks:
    """The pages beside one of so many; ``asked`` stands in front in each address."""

    def link(number: int) -> str:
        return f"{path}?{urlencode(asked | {'page': number, 'per_page': paging.size})}"

    return PageLinks(
        self=link(paging.page),
        next=link(paging.page + 1) if paging.page < pages else None,
        prev=link(min(paging.page - 1, pages)) if paging.page > 1 and pages else None,
    )
