"""Posts: lists of them, one, a new one, changed, taken back."""

from typing import Any

from microblog.domain import posts, tokens
from microblog.domain.errors import Invalid
from microblog.web import languages, limiting, remembering, scope
from microblog.web.api import serialization
from microblog.web.api.blueprint import bp
from microblog.web.api.cursors import Cursors
from microblog.web.api.operations import operation
from microblog.web.api.writing import Post, Posts, WrittenPost, shown

GROUP = "posts"
_LINK = {200: ("Link",)}


@bp.get("/timeline")
@operation(GROUP, scope=tokens.READ, query=Cursors, answers={200: Posts}, headers=_LINK)
async def get_timeline(query_args: Cursors) -> Any:
    """What one reads: one's own posts, and those of everybody one follows."""
    actor, place = scope.viewer(), query_args.place
    home = await remembering.home(actor, place, size=query_args.limit)
    return serialization.posts(home.part, "/api/timeline", query_args)


@bp.get("/posts")
@operation(GROUP, scope=tokens.READ, query=Cursors, answers={200: Posts}, headers=_LINK)
async def get_posts(query_args: Cursors) -> Any:
    """Everybody's posts."""
    place = query_args.place
    part = await remembering.explore(place, size=query_args.limit)
    return serialization.posts(part, "/api/posts", query_args)


@bp.get("/users/<id:user_id>/posts")
@operation(
    GROUP, scope=tokens.READ, query=Cursors, answers={200: Posts}, headers=_LINK, refuses=(404,)
)
async def get_posts_of_user(user_id: int, query_args: Cursors) -> Any:
    """A person's posts."""
    part = await remembering.by_author(user_id, query_args.place, size=query_args.limit)
    return serialization.posts(part, f"/api/users/{user_id}/posts", query_args)


async def _language(data: WrittenPost) -> str:
    """In which language a new post is; to be found out before anything is written."""
    _check_language(data)
    return await languages.language_of(data.body, data.language)


@bp.post("/posts")
@operation(
    GROUP,
    scope=tokens.WRITE,
    body=WrittenPost,
    prepare=_language,
    repeatable=True,
    answers={201: Post},
    headers={201: ("Location",)},
)
async def create_post(data: WrittenPost, prepared: str) -> Any:
    """Say something."""
    await limiting.spend_write(scope.viewer())
    try:
        post = await posts.publish(
            scope.session(), scope.viewer(), data.body, length=_length(), language=prepared
        )
    except Invalid as refusal:
        raise _about_body(refusal) from refusal
    return serialization.created(post, f"/api/posts/{post.id}")


@bp.get("/posts/<id:post_id>")
@operation(GROUP, scope=tokens.READ, answers={200: Post}, refuses=(404,))
async def get_post(post_id: int) -> Any:
    """A post."""
    return serialization.post((await remembering.post(post_id)).post)


@bp.put("/posts/<id:post_id>")
@operation(GROUP, scope=tokens.WRITE, body=WrittenPost, answers={200: Post}, refuses=(404,))
async def update_post(post_id: int, data: WrittenPost) -> Any:
    """Say something else in one's own post.

    What it said before is kept. The same text again changes nothing; a language that is left out
    stays, unless the words are others.
    """
    detected = await _language(data)
    await limiting.spend_write(scope.viewer())
    try:
        await posts.edit(
            scope.session(),
            scope.viewer(),
            post_id,
            data.body,
            length=_length(),
            language=data.language or None,
            detected=detected,
        )
    except Invalid as refusal:
        raise _about_body(refusal) from refusal
    return await _shown(post_id)


@bp.delete("/posts/<id:post_id>")
@operation(GROUP, scope=tokens.WRITE, answers={204: None}, refuses=(404,))
async def delete_post(post_id: int) -> Any:
    """Take back one's own post, for good."""
    await limiting.spend_write(scope.viewer())
    await posts.remove(scope.session(), scope.viewer(), post_id)
    return "", 204


async def _shown(post_id: int) -> Post:
    return shown(await posts.by_id(scope.session(), post_id))


def _length() -> int:
    return scope.settings().posts.max_length


def _check_language(data: WrittenPost) -> None:
    if data.language != languages.AUTO and data.language not in dict(languages.choices()):
        raise Invalid("This language is not offered here.", field="language")


def _about_body(refusal: Invalid) -> Invalid:
    # The page has another name for it.
    return Invalid(refusal.message, field="body", **refusal.values)
