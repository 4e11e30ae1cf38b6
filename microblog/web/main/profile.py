"""A person's page, and changing one's own."""

from typing import Any

from quart import flash, redirect, request, url_for

from microblog.domain import tasks, users
from microblog.domain.errors import Invalid
from microblog.i18n import gettext as _
from microblog.web import access, boxes, identity, limiting, places, remembering, scope
from microblog.web.main.blueprint import bp
from microblog.web.main.forms import ProfileForm
from microblog.web.rendering import page, pager, user_url


@bp.route("/user/<username>")
@access.members
async def user(username: str) -> Any:
    """Who this is, and what they say."""
    profile = await remembering.profile(scope.viewer(), username)
    part = await remembering.by_author(
        profile.id, places.asked(), size=scope.settings().posts.per_page
    )
    return page(
        "user.html",
        plain=True,
        user=profile,
        follower_count=profile.follower_count,
        following_count=profile.following_count,
        is_self=profile.id == scope.viewer().id,
        is_following=profile.is_following,
        is_exporting=boxes.has(tasks.EXPORT_POSTS),
        posts=part.items,
        pager=pager(user_url(profile.username), part),
        live_channels=f"user:{profile.username}",
        live_since=identity.live_since(),
    )


@bp.route("/edit_profile", methods=["GET", "POST"])
@access.members
async def edit_profile() -> Any:
    """Change one's name and the words about oneself."""
    length = scope.settings().accounts.about_me_length
    if request.method == "POST":
        form = await ProfileForm.received()
        if form.validate() and await _save(form, length):
            await flash(_("Your changes have been saved."))
            return redirect(url_for("main.edit_profile"))
    else:
        form = ProfileForm(obj=await users.by_id(scope.session(), scope.viewer().id))
    return page(
        "edit_profile.html", title=_("Edit Profile"), status=form.status, form=form.limit(length)
    )


async def _save(form: ProfileForm, length: int) -> bool:
    try:
        await limiting.spend_write(scope.viewer())
        await users.edit_profile(
            scope.session(),
            scope.viewer(),
            username=form.text("username"),
            about_me=form.text("about_me"),
            display_name=form.text("display_name"),
            about_me_length=length,
        )
    except Invalid as refusal:
        form.show(refusal)
        return False
    return True
