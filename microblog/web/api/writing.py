"""Posts as programs send and get them."""

from pydantic import Field

from microblog.domain.posts import PostView
from microblog.live import wire
from microblog.web.api.cursors import Listing
from microblog.web.api.shapes import AN_HOUR, Body, Id, Shape, Stamp, left_out


class AuthorLinks(Shape):
    """Where to go on from an author; `page` is for people."""

    self: str = Field(examples=["/api/users/42"])
    avatar: str = Field(examples=["/avatar/42"])
    page: str = Field(examples=["/user/susan"])


class Author(Shape):
    """Who has written it."""

    id: Id
    username: str = Field(examples=["susan"])
    display_name: str = Field(description="May be empty.", examples=["Susan Q."])
    links: AuthorLinks = Field(alias="_links")


class PostLinks(Shape):
    """Where the post is; `page` is for people."""

    self: str = Field(examples=["/api/posts/4711"])
    page: str = Field(examples=["/post/4711"])


class Post(Shape):
    """A post, as it also comes over `/live`."""

    id: Id
    body: str = Field(examples=["See https://example.com <3"])
    html: str = Field(
        description="The body as safe HTML, with links; line ends are line ends.",
        examples=[
            'A &amp; B: <a href="https://a.example" rel="nofollow noopener noreferrer">…</a>'
        ],
    )
    language: str | None = Field(
        description="As ISO 639 has it; `null` where it is not known.", examples=["en", None]
    )
    timestamp: Stamp
    edited_at: Stamp | None = Field(examples=[None, AN_HOUR])
    author: Author
    links: PostLinks = Field(alias="_links")


class Posts(Listing):
    """A part of a list of posts, newest first."""

    items: list[Post]


class WrittenPost(Body):
    """What somebody has to say."""

    body: str = Field(
        description=(
            "Cleaned as on the page: NFC, no blanks around. From 1 character to as many as the"
            " service takes, by default 500."
        ),
        examples=["See https://example.com <3"],
    )
    language: str = Field(
        default="",
        description="One of the codes that the page offers; left out or empty, it is found out.",
        json_schema_extra=left_out,
        examples=["en"],
    )


def shown(post: PostView) -> Post:
    """A post as programs see it; what that is says the wire."""
    return Post.model_validate(wire.post_shape(post))
