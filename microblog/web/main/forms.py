"""The shape of what people write. Lengths are the operator's; the domain holds them."""

from typing import Any

from wtforms import SelectField, StringField, SubmitField, TextAreaField
from wtforms.validators import DataRequired, Length

from microblog.i18n import gettext, lazy
from microblog.models.user import DISPLAY_NAME_LENGTH, USERNAME_LENGTH
from microblog.web import languages
from microblog.web.forms import TOO_LONG, PageForm


class PostForm(PageForm):
    """One post. Its language is to be found out unless one is chosen."""

    post = TextAreaField(lazy("Say something"), [DataRequired()])
    language = SelectField(lazy("Language of the post"), default=languages.AUTO)
    submit = SubmitField(lazy("Submit"))

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        """Offer the languages of this service."""
        super().__init__(*arguments, **keywords)
        auto = (languages.AUTO, gettext("Automatic"))
        self.language.choices = [auto, *languages.choices()]

    def limit(self, length: int) -> "PostForm":
        """Tell the page how much fits."""
        self.post.flags.maxlength = length
        return self


class MessageForm(PageForm):
    """One private message."""

    message = TextAreaField(lazy("Message"), [DataRequired()])
    submit = SubmitField(lazy("Submit"))

    def limit(self, length: int) -> "MessageForm":
        """Tell the page how much fits."""
        self.message.flags.maxlength = length
        return self


class ProfileForm(PageForm):
    """How a person is shown."""

    username = StringField(
        lazy("Username"), [DataRequired(), Length(max=USERNAME_LENGTH, message=TOO_LONG)]
    )
    display_name = StringField(
        lazy("Display name"), [Length(max=DISPLAY_NAME_LENGTH, message=TOO_LONG)]
    )
    about_me = TextAreaField(lazy("About me"))
    submit = SubmitField(lazy("Submit"))

    def limit(self, length: int) -> "ProfileForm":
        """Tell the page how much fits."""
        self.about_me.flags.maxlength = length
        return self
