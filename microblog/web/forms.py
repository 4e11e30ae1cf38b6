"""Forms: their shape here, their rules in the domain.

WTForms validates without awaiting; what needs the database is asked of the domain afterwards, and a
refusal is shown at the field that it names.
"""

from collections.abc import Mapping
from typing import Any, Self

from quart import request
from wtforms import Field, Form
from wtforms.meta import DefaultMeta
from wtforms.validators import ValidationError

from microblog import i18n
from microblog.domain import users
from microblog.domain.errors import Invalid, Malformed

# WTForms' own words for these are good in some languages only: not every plural form is there, and
# the other field's name is put in as it is written here.
TOO_LONG = i18n.lazy("Field cannot be longer than %(max)d characters.")
NOT_REPEATED = i18n.lazy("Field must be equal to password.")

# What nobody has typed: buttons, boxes, and our own token.
_TICKED = ("csrf_token", "submit", "remember_me")


class PageForm(Form):
    """A form on a page. Its anti-forgery token is the guard's business (see ``csrf``)."""

    class Meta(DefaultMeta):
        """WTForms' own messages come in the language of the moment."""

        def get_translations(self, form: Any) -> Any:
            """WTForms keeps its catalogues; only the language is ours."""
            # The second is for a language that WTForms does not know.
            self.locales = [i18n.language(), i18n.SOURCE_LANGUAGE]
            return super().get_translations(form)

    malformed = False

    @classmethod
    async def received(cls, **arguments: Any) -> Self:
        """The form as it was sent."""
        return cls(await request.form, **arguments)

    def text(self, field: str) -> str:
        """What was typed into a text field; nothing is the empty text."""
        return str(self._fields[field].data or "")

    def show(self, refusal: Invalid) -> None:
        """Show a refusal of the domain at its field, or at the first one."""
        field = self._fields.get(refusal.field) or next(iter(self._fields.values()))
        field.errors = (*field.errors, i18n.gettext(refusal.message, **refusal.values))
        self.malformed = self.malformed or isinstance(refusal, Malformed)

    @property
    def status(self) -> int:
        """200 for what a person may mistype, 400 for what is no text at all."""
        return 400 if self.malformed else 200


def mail_address(form: Form, field: Field) -> None:
    """A validator: the field holds one mailbox."""
    try:
        users.check_email(field.data or "")
    except Invalid as refusal:
        if isinstance(form, PageForm):
            form.malformed = form.malformed or isinstance(refusal, Malformed)
        raise ValidationError(i18n.gettext(refusal.message, **refusal.values)) from refusal


def typed(form: Mapping[str, str]) -> list[tuple[str, str]]:
    """What somebody typed, to be given back: everything but passwords and tokens."""
    return [
        (name, value)
        for name, value in form.items()
        if value.strip() and "password" not in name and name not in _TICKED
    ]
