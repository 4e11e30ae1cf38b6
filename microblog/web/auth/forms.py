"""The shape of what people fill in to get an account or to use it."""

from wtforms import (
    BooleanField,
    EmailField,
    PasswordField,
    SelectField,
    StringField,
    SubmitField,
)
from wtforms.validators import DataRequired, EqualTo, Length

from microblog.i18n import lazy
from microblog.models.user import USERNAME_LENGTH
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


class DeleteAccountForm(PageForm):
    """The last form that somebody fills in here."""

    old_password = PasswordField(lazy("Current password"), [DataRequired()], id="delete-password")
    submit = SubmitField(lazy("Delete my account"), id="delete-account")
