"""People as programs send and get them."""

from pydantic import ConfigDict, Field

from microblog.domain import directory
from microblog.models.user import DISPLAY_NAME_LENGTH, EMAIL_LENGTH, USERNAME_LENGTH
from microblog.web import rendering
from microblog.web.api.shapes import Body, Id, Moment, Shape, left_out

AVATAR_SIZE = 128


class UserLinks(Shape):
    """Where to go on from a person; `followed` is the old name of `following`."""

    self: str = Field(examples=["/api/users/42"])
    followers: str = Field(examples=["/api/users/42/followers"])
    following: str = Field(examples=["/api/users/42/following"])
    followed: str = Field(examples=["/api/users/42/followed"])
    avatar: str = Field(examples=["/avatar/42?size=128"])


class User(Shape):
    """A person. `email` is there only for the token's own person."""

    id: Id
    username: str = Field(examples=["susan"])
    last_seen: Moment
    about_me: str = Field(examples=["I like short texts."])
    post_count: int = Field(ge=0, examples=[12])
    follower_count: int = Field(ge=0, examples=[3])
    following_count: int = Field(ge=0, examples=[5])
    followed_count: int = Field(
        ge=0, description="The old name of `following_count`.", examples=[5]
    )
    email: str | None = Field(
        default=None,
        exclude_if=lambda email: email is None,
        examples=["susan@example.com"],
        json_schema_extra=left_out,
    )
    links: UserLinks = Field(serialization_alias="_links")


class NewUser(Body):
    """What an account needs."""

    username: str = Field(
        max_length=USERNAME_LENGTH,
        description="Letters and digits of ASCII, and `_ . -` behind the first; unique.",
        examples=["susan"],
    )
    email: str = Field(max_length=EMAIL_LENGTH, examples=["susan@example.com"])
    password: str = Field(examples=["correct horse battery"])


class ChangedUser(Body):
    """What is to be different; what is left out stays, and what is not known is passed over."""

    model_config = ConfigDict(extra="ignore", strict=True)

    username: str = Field(
        default="", max_length=USERNAME_LENGTH, examples=["susan"], json_schema_extra=left_out
    )
    email: str = Field(
        default="",
        max_length=EMAIL_LENGTH,
        description=(
            "Only with a token that a password has opened. A letter goes to the new address, which"
            " is taken when the letter is answered, or at once where the service asks for none."
        ),
        examples=["susan@example.com"],
        json_schema_extra=left_out,
    )
    about_me: str = Field(default="", examples=["I like short texts."], json_schema_extra=left_out)
    display_name: str = Field(
        default="",
        max_length=DISPLAY_NAME_LENGTH,
        examples=["Susan"],
        json_schema_extra=left_out,
    )


def shown(entry: directory.Entry, *, to: int | None) -> User:
    """A person as the person with the id ``to`` may see them; ``None`` is anybody."""
    path = f"/api/users/{entry.id}"
    return User(
        id=entry.id,
        username=entry.username,
        last_seen=entry.last_seen_at,
        about_me=entry.about_me,
        post_count=entry.post_count,
        follower_count=entry.follower_count,
        following_count=entry.following_count,
        followed_count=entry.following_count,
        email=entry.email if entry.id == to else None,
        links=UserLinks(
            self=path,
            followers=f"{path}/followers",
            following=f"{path}/following",
            followed=f"{path}/followed",
            avatar=rendering.avatar_url(entry.id, AVATAR_SIZE),
        ),
    )
