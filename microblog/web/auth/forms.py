"""The shape of what people fill in to get an account or to use it."""

from wtforms import BooleanField, EmailField, PasswordField, StringField, SubmitField
from wtforms.validators import DataRequired, Email, EqualTo, Length

from microblog.i18n import lazy
from microblog.models.user import EMAIL_LENGTH, USERNAME_LENGTH
from microblog.web.forms import PageForm


class LoginForm(PageForm):
    """Name or address, and password."""

    username = StringField(lazy("Username"), [DataRequired()])
    password = PasswordField(lazy("Password"), [DataRequired()])
    remember_me = BooleanField(lazy("Remember Me"))
    submit = SubmitField(lazy("Sign In"))


class RegistrationForm(PageForm):
    """What an account needs."""

    username = StringField(lazy("Username"), [DataRequired(), Length(max=USERNAME_LENGTH)])
    email = EmailField(lazy("Email"), [DataRequired(), Length(max=EMAIL_LENGTH), Email()])
    password = PasswordField(lazy("Password"), [DataRequired()])
    password2 = PasswordField(lazy("Repeat Password"), [DataRequired(), EqualTo("password")])
    submit = SubmitField(lazy("Register"))
