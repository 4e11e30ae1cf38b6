"""Home and explore, and the box to write in."""

from typing import Any

from quart import flash, redirect, request, session, url_for

from microblog.domain import follows, posts, timeline
from microblog.domain.errors import Invalid
from microblog.domain.paging import Place, place
from microblog.i18n import gettext as _
from microblog.web import access, limiting, scope
from microblog.web.main.blueprint import bp
from microblog.web.main.forms import PostForm
from microblog.web.rendering import page, pager


@bp.route("/", methods=["GET", "POST"])
@bp.route("/index", methods=["GET", "POST"])
@access.members
async def index() -> Any:
    """What the people whom I follow say; and what I have to say."""
    length = scope.settings().posts.max_length
    form = PostForm(data={"post": session.pop(access.DRAFT, "")} if access.DRAFT in session else {})
    if request.method == "POST":
        form = await PostForm.received()
        if form.validate() and await _publish(form, length):
            await flash(_("Your post is now live!"))
            return redirect(url_for("main.index"))
    since = scope.resources().hub.position
    part = await timeline.home(
        scope.session(), scope.viewer(), _place(), size=scope.settings().posts.per_page
    )
    return page(
        "index.html",
        status=form.status,
        title=_("Home"),
        form=form.limit(length),
        posts=part.items,
        pager=pager(url_for("main.index"), part),
        follows_nobody=not part.items
        and await follows.follows_nobody(scope.session(), scope.viewer()),
        live_channels="home",
        live_since=since,
    )


@bp.route("/explore")
@access.members
async def explore() -> Any:
    """What everybody says."""
    since = scope.resources().hub.position
    part = await timeline.explore(scope.session(), _place(), size=scope.settings().posts.per_page)
    return page(
        "index.html",
        title=_("Explore"),
        posts=part.items,
        pager=pager(url_for("main.explore"), part),
        live_channels="explore",
        live_since=since,
    )


async def _publish(form: PostForm, length: int) -> bool:
    try:
        await limiting.spend_write(scope.viewer())
        await posts.publish(scope.session(), scope.viewer(), form.text("post"), length=length)
    except Invalid as refusal:
        form.show(refusal)
        return False
    return True


def _place() -> Place:
    arguments = request.args
    return place(arguments.get("before"), arguments.get("after"), arguments.get("page"))
