"""What a post says in another language."""

from typing import Any

from pydantic import Field

from microblog.domain import tokens
from microblog.domain.errors import Invalid
from microblog.web import translating
from microblog.web.api.blueprint import bp
from microblog.web.api.operations import operation
from microblog.web.api.shapes import Body, Shape

GROUP = "translation"
_NO_LANGUAGE = "This is no language that posts are translated into here."


class Wish(Body):
    """Which language it is to be."""

    dest_language: str = Field(
        description="A language code (BCP 47); one of the service's own or of the common ones.",
        examples=["en", "pt-BR"],
    )


class Translation(Shape):
    """A post in another language."""

    text: str = Field(
        description="Plain text, by the service that has translated it.", examples=["Hello"]
    )
    provider: str = Field(description="Which service that was.", examples=["microsoft"])
    cached: bool = Field(
        description="Whether it was kept already, so that nobody was asked now.", examples=[True]
    )


@bp.post("/posts/<id:post_id>/translation")
@operation(GROUP, scope=tokens.READ, body=Wish, answers={200: Translation}, refuses=(404,))
async def translate_post(post_id: int, data: Wish) -> Any:
    """Translate a post, once for everybody.

    What nobody has asked for yet counts for how much a person may have translated on a day. 503
    where the translator fails, or where there is none.
    """
    target = translating.find_target(data.dest_language)
    if target is None:
        raise Invalid(_NO_LANGUAGE, field="dest_language")
    found, was_kept = await translating.translation_of(post_id, target)
    return Translation(text=found.body, provider=found.provider, cached=was_kept)
