"""What a post says in another language: in JSON for a script, else on the post's own page."""

import json
from typing import Any

from quart import Response, flash, redirect
from werkzeug.exceptions import BadRequest

from microblog import i18n
from microblog.adapters.translator import Untranslated
from microblog.domain import text
from microblog.i18n import gettext as _
from microblog.interpreter import Payer
from microblog.web import access, limiting, received, scope, translating
from microblog.web.main.blueprint import bp
from microblog.web.negotiation import JSON, error_as_json
from microblog.web.rendering import post_url

_LARGEST_ID = 2**31 - 1
# By it our script tells a translation from the words that say why there is none.
_MARK = "X-Translated"


@bp.post("/translate")
@access.members
async def translate_text() -> Any:
    """The three fields translate any text; a number, the post that has it, which is then kept."""
    fields = await received.texts("text", "source_language", "dest_language", "post_id")
    target = _target(fields)
    if "post_id" in fields:
        return await _post(_number(fields["post_id"]), target)
    if "text" not in fields or "source_language" not in fields:
        raise BadRequest
    source = fields["source_language"] and _language(fields, "source_language")
    length = scope.settings().posts.max_length
    body = text.clean(fields["text"], minimum=1, maximum=length, field="text")
    return await _text(body, source, target)


async def _text(body: str, source: str, target: str) -> Response:
    interpreter = scope.resources().interpreter
    payer = Payer(limiting.translation_purse(scope.viewer()))
    scope.step_aside()
    try:
        return _told(await interpreter.say(body, source=source, target=target, payer=payer))
    except Untranslated as error:
        return _told_of(error)


async def _post(post_id: int, target: str) -> Any:
    try:
        found, _was_kept = await translating.translation_of(post_id, target)
    except Untranslated as error:
        if not error_as_json():
            await flash(_(error.message))
            return redirect(post_url(post_id), 303)
        return _told_of(error)
    if not error_as_json():
        return redirect(f"{post_url(post_id)}?translated={i18n.tag(target)}", 303)
    return _told(found.body)


def _told(body: str) -> Response:
    response = _answer(body)
    response.headers[_MARK] = "yes"
    return response


def _told_of(error: Untranslated) -> Response:
    return _answer(_(error.message))


def _answer(body: str) -> Response:
    return Response(json.dumps({"text": body}, ensure_ascii=False), content_type=JSON)


def _language(fields: dict[str, str], name: str) -> str:
    code = i18n.find_code(fields.get(name, ""))
    if code is None:
        raise BadRequest
    return code


def _target(fields: dict[str, str]) -> str:
    code = translating.find_target(fields.get("dest_language", ""))
    if code is None:
        raise BadRequest
    return code


def _number(raw: str) -> int:
    if not (raw.isascii() and raw.isdigit() and len(raw) < 11 and int(raw) <= _LARGEST_ID):
        raise BadRequest
    return int(raw)
