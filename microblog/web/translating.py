"""What a post says in another language, for whichever door asks."""

from microblog import i18n
from microblog.adapters.language import KNOWN
from microblog.domain import posts
from microblog.domain.translations import Translation
from microblog.interpreter import Payer
from microblog.web import limiting, scope


def find_target(raw: str) -> str | None:
    """The code of a language that people read here, in whichever of its kinds.

    ``None`` for all others: each that is not kept yet is a call.
    """
    code = i18n.find_code(raw)
    if code is None:
        return None
    known = code in scope.settings().languages.offered or i18n.base(code) in KNOWN
    return code if known else None


async def translation_of(post_id: int, target: str) -> tuple[Translation, bool]:
    """What a post says in a language, and whether that was kept already.

    Raises :class:`NotFound`, :class:`Untranslated`, :class:`TooManyRequests`. Nothing of this
    request is open while the service takes its time.
    """
    resources = scope.resources()
    async with resources.database.reading() as session:
        post = await posts.by_id(session, post_id)
    kept = await resources.interpreter.find(post, target)
    if kept is not None:
        return kept, True
    payer = Payer(limiting.translation_purse(scope.viewer()))
    scope.step_aside()
    return await resources.interpreter.ask(post, target, payer), False
