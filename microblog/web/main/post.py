"""One post by itself: read, changed, taken back."""

from typing import Any

from quart import flash, redirect, request, url_for

from microblog import i18n
from microblog.domain import posts, translations
from microblog.domain.errors import Invalid
from microblog.domain.posts import PostView
from microblog.domain.translations import Translation
from microblog.i18n import gettext as _
from microblog.web import access, identity, languages, limiting, remembering, scope
from microblog.web.main.blueprint import bp
from microblog.web.main.forms import PostForm
from microblog.web.rendering import page, post_url


@bp.route("/post/<int(max=2147483647):post_id>", endpoint="post")
@access.members
async def show(post_id: int) -> Any:
    """The post's own address."""
    found = await remembering.post(post_id)
    post = found.post
    return page(
        "post.html",
        plain=True,
        title=_("Post by %(username)s", username=post.author_username),
        post=post,
        is_author=post.author_id == scope.viewer().id,
        versions=found.versions,
        translation=await _translation(post),
        live_channels=f"user:{post.author_username}",
        live_since=identity.live_since(),
    )


async def _translation(post: PostView) -> tuple[str, str] | None:
    """What was asked for where there are no scripts: language and text, if it is kept."""
    language = i18n.find_code(request.args.get("translated", ""))
    if language is None:
        return None
    told = scope.resources().interpreter.told(language)
    found = await translations.find(scope.session(), post, told)
    return (i18n.tag(language), found.body) if isinstance(found, Translation) else None


@bp.route("/post/<int(max=2147483647):post_id>/edit", methods=["GET", "POST"])
@access.members
async def edit_post(post_id: int) -> Any:
    """Say it differently; what it said before is kept."""
    length = scope.settings().posts.max_length
    post = await posts.own(scope.session(), scope.viewer(), post_id)
    form = PostForm(data={"post": post.body, "language": post.language or languages.AUTO})
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
    actor, body = scope.viewer(), form.text("post")
    language = form.text("language") or None
    detected = await languages.language_of(body, language or languages.AUTO)
    try:
        await limiting.spend_write(actor)
        await posts.edit(
            scope.session(),
            actor,
            post_id,
            body,
            length=length,
            language=language,
            detected=detected,
        )
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
