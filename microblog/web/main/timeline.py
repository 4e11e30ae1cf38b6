"""Home and explore, and the box to write in."""

from typing import Any

from markupsafe import Markup
from quart import flash, redirect, request, session, url_for

from microblog.domain import posts, tongues
from microblog.domain.errors import Invalid
from microblog.i18n import gettext as _
from microblog.web import access, identity, languages, limiting, places, remembering, scope
from microblog.web.main.blueprint import bp
from microblog.web.main.forms import PostForm
from microblog.web.rendering import address, chunk, drawn, page, pager


@bp.route("/", methods=["GET", "POST"])
@bp.route("/index", methods=["GET", "POST"])
@access.members
async def index() -> Any:
    """What the people whom I follow say; and what I have to say."""
    length = scope.settings().posts.max_length
    form = _draft()
    if request.method == "POST":
        form = await PostForm.received()
        if form.validate() and await _publish(form, length):
            await flash(_("Your post is now live!"))
            return redirect(url_for("main.index"))
    home = await remembering.home(
        scope.viewer(), places.asked(), size=scope.settings().posts.per_page
    )
    return page(
        "index.html",
        status=form.status if form else 200,
        plain=form is None,
        title=_("Home"),
        composer=_composer(form),
        posts=home.part.items,
        pager=pager(address("main.index"), home.part),
        follows_nobody=home.follows_nobody,
        live_channels="home",
        live_since=identity.live_since(),
    )


@bp.route("/explore")
@access.members
async def explore() -> Any:
    """What everybody says."""
    part = await remembering.explore(places.asked(), size=scope.settings().posts.per_page)
    return page(
        "index.html",
        plain=True,
        title=_("Explore"),
        posts=part.items,
        pager=pager(address("main.explore"), part),
        live_channels="explore",
        live_since=identity.live_since(),
    )


def _draft() -> PostForm | None:
    """What was left in the box when a login ended, if that was so."""
    if access.DRAFT not in session:
        return None
    return PostForm(data={"post": session.pop(access.DRAFT), "language": _usual_language()})


def _usual_language() -> str:
    return scope.viewer().writes or languages.AUTO


def _composer(form: PostForm | None) -> Markup:
    """The box to write in, with what is in it; an empty one is drawn once."""
    length = scope.settings().posts.max_length
    if form is not None:
        return drawn("_composer.html", form=form.limit(length))
    usual = _usual_language()
    return chunk(
        "_composer.html",
        (usual, length),
        lambda: {"form": PostForm(data={"language": usual}).limit(length)},
    )


async def _publish(form: PostForm, length: int) -> bool:
    actor, body, choice = scope.viewer(), form.text("post"), form.text("language")
    language = await languages.language_of(body, choice)
    try:
        await limiting.spend_write(actor)
        await posts.publish(scope.session(), actor, body, length=length, language=language)
        await tongues.remember_writing(scope.session(), actor, choice or None)
    except Invalid as refusal:
        form.show(refusal)
        return False
    return True
