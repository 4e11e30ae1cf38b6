"""The shape of what people write. Lengths are the operator's; the domain holds them."""

from wtforms import StringField, SubmitField, TextAreaField
from wtforms.validators import DataRequired, Length

from microblog.i18n import lazy
from microblog.models.user import DISPLAY_NAME_LENGTH, USERNAME_LENGTH
from microblog.web.forms import TOO_LONG, PageForm


class PostForm(PageForm):
    """One post."""

    post = TextAreaField(lazy("Say something"), [DataRequired()])
    submit = SubmitField(lazy("Submit"))

    def limit(self, length: int) -> "PostForm":
        """Tell the page how much fits."""
        self.post.flags.maxlength = length
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
