"""One post by itself: read, changed, taken back."""

from typing import Any

from quart import flash, redirect, request, url_for

from microblog.domain import posts
from microblog.domain.errors import Invalid
from microblog.i18n import gettext as _
from microblog.web import access, limiting, scope
from microblog.web.main.blueprint import bp
from microblog.web.main.forms import PostForm
from microblog.web.rendering import page, post_url


@bp.route("/post/<int(max=2147483647):post_id>", endpoint="post")
@access.members
async def show(post_id: int) -> Any:
    """The post's own address."""
    since = scope.resources().hub.position
    post = await posts.by_id(scope.session(), post_id)
    versions = await posts.versions(scope.session(), post_id) if post.edited_at else []
    return page(
        "post.html",
        title=_("Post by %(username)s", username=post.author_username),
        post=post,
        is_author=post.author_id == scope.viewer().id,
        versions=versions,
        live_channels=f"user:{post.author_username}",
        live_since=since,
    )


@bp.route("/post/<int(max=2147483647):post_id>/edit", methods=["GET", "POST"])
@access.members
async def edit_post(post_id: int) -> Any:
    """Say it differently; what it said before is kept."""
    length = scope.settings().posts.max_length
    post = await posts.own(scope.session(), scope.viewer(), post_id)
    form = PostForm(data={"post": post.body})
    if request.method == "POST":
        form = await PostForm.received()
        if form.validate() and await _edit(form, post_id, length):
            await flash(_("Your changes have been saved."))
            return redirect(post_url(post_id))
    return page(
        "edit_post.html",
        title=_("Edit post"),
        status=form.status,
        form=form.limit(length),
        post=post,
    )


async def _edit(form: PostForm, post_id: int, length: int) -> bool:
    try:
        await limiting.spend_write(scope.viewer())
        await posts.edit(scope.session(), scope.viewer(), post_id, form.text("post"), length=length)
    except Invalid as refusal:
        form.show(refusal)
        return False
    return True


@bp.post("/post/<int(max=2147483647):post_id>/delete")
@access.members
async def delete_post(post_id: int) -> Any:
    """Take it back, for good."""
    await limiting.spend_write(scope.viewer())
    await posts.remove(scope.session(), scope.viewer(), post_id)
    await flash(_("Your post has been deleted."))
    return redirect(url_for("main.index"))
