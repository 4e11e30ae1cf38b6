"""The shape of what people fill in to get an account or to use it."""

from typing import Any

from wtforms import (
    BooleanField,
    EmailField,
    PasswordField,
    SelectField,
    SelectMultipleField,
    StringField,
    SubmitField,
)
from wtforms.validators import DataRequired, EqualTo, Length
from wtforms.widgets import CheckboxInput, ListWidget

from microblog.domain.actors import Actor
from microblog.domain.tokens import MESSAGES, READ, WRITE
from microblog.i18n import gettext, lazy, ngettext
from microblog.models.user import USERNAME_LENGTH
from microblog.web import languages
from microblog.web.forms import NOT_REPEATED, TOO_LONG, PageForm, mail_address


class LoginForm(PageForm):
    """Name or address, and password."""

    username = StringField(lazy("Username"), [DataRequired()])
    password = PasswordField(lazy("Password"), [DataRequired()])
    remember_me = BooleanField(lazy("Remember Me"))
    submit = SubmitField(lazy("Sign In"))


class RegistrationForm(PageForm):
    """What an account needs."""

    username = StringField(
        lazy("Username"), [DataRequired(), Length(max=USERNAME_LENGTH, message=TOO_LONG)]
    )
    email = EmailField(lazy("Email"), [DataRequired(), mail_address])
    password = PasswordField(lazy("Password"), [DataRequired()])
    password2 = PasswordField(
        lazy("Repeat Password"), [DataRequired(), EqualTo("password", NOT_REPEATED)]
    )
    submit = SubmitField(lazy("Register"))


class ResetPasswordRequestForm(PageForm):
    """Whose password is to be set anew."""

    email = EmailField(lazy("Email"), [DataRequired(), mail_address])
    submit = SubmitField(lazy("Request Password Reset"))


class ResetPasswordForm(PageForm):
    """A new password, by a link from a letter."""

    password = PasswordField(lazy("Password"), [DataRequired()])
    password2 = PasswordField(
        lazy("Repeat Password"), [DataRequired(), EqualTo("password", NOT_REPEATED)]
    )
    submit = SubmitField(lazy("Request Password Reset"))


class ChangePasswordForm(PageForm):
    """A new password, by somebody who knows the old one."""

    old_password = PasswordField(lazy("Current password"), [DataRequired()], id="password-old")
    password = PasswordField(lazy("New password"), [DataRequired()], id="password-new")
    password2 = PasswordField(
        lazy("Repeat Password"),
        [DataRequired(), EqualTo("password", NOT_REPEATED)],
        id="password-repeat",
    )
    submit = SubmitField(lazy("Change password"), id="change-password")


class ChangeAddressForm(PageForm):
    """Another address for letters."""

    email = EmailField(lazy("New address"), [DataRequired(), mail_address], id="address-new")
    old_password = PasswordField(lazy("Current password"), [DataRequired()], id="address-password")
    submit = SubmitField(lazy("Change address"), id="change-address")


class WordsForm(PageForm):
    """In which language and time zone the service speaks to a person."""

    language = SelectField(lazy("Language"))
    time_zone = SelectField(lazy("Time zone"))
    submit = SubmitField(lazy("Save"), id="save-words")


class ReadingForm(PageForm):
    """Which languages a person reads, and what is to become of posts in others."""

    reads = SelectMultipleField(lazy("Languages that you read"))
    translates_live = BooleanField(lazy("Translate posts as they arrive"))
    submit = SubmitField(lazy("Save"), id="save-reading")

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        """Offer the languages of this service."""
        super().__init__(*arguments, **keywords)
        self.reads.choices = languages.choices()

    @classmethod
    def of(cls, actor: Actor) -> "ReadingForm":
        """The form as the account has it."""
        reads = actor.reads.split(",") if actor.reads else []
        return cls(data={"reads": reads, "translates_live": actor.translates_live})


class MakeTokenForm(PageForm):
    """A token for a program: what it is called, what it may do, for how long."""

    name = StringField(lazy("Name of the token"), [DataRequired()], id="token-name")
    scopes = SelectMultipleField(
        lazy("What it may do"),
        default=[READ],
        id="token-scopes",
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    days = SelectField(lazy("For how long"), coerce=int, default=90, id="token-days")
    old_password = PasswordField(lazy("Current password"), [DataRequired()], id="token-password")
    submit = SubmitField(lazy("Make a token"), id="make-token")

    def __init__(self, *arguments: Any, **named: Any) -> None:
        """Say what there is to choose, in the language of the moment."""
        super().__init__(*arguments, **named)
        self.scopes.choices = [
            (READ, gettext("Read what you can read, except for messages")),
            (WRITE, gettext("Change what you can change: posts, follows, profile")),
            (MESSAGES, gettext("Read and send messages")),
        ]
        self.days.choices = [
            (days, ngettext("%(num)s day", "%(num)s days", days)) for days in (7, 30, 90, 365)
        ]


class DeleteAccountForm(PageForm):
    """The last form that somebody fills in here."""

    old_password = PasswordField(lazy("Current password"), [DataRequired()], id="delete-password")
    submit = SubmitField(lazy("Delete my account"), id="delete-account")
