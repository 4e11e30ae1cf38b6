"""Refusals: everything that the product says no to, drawn as one family.

::

    Refusal                      400  (abstract)
    ├── Invalid                  400  a value breaks a rule; knows its field
    │   ├── Malformed            400  a text holds what no text may hold
    │   ├── UsernameTaken        400
    │   └── EmailTaken           400
    ├── NotAllowed               403
    ├── RegistrationClosed       403
    ├── NotFound                 404  not there, or not yours: one answer
    ├── TooManyRequests          429  knows when to come again
    └── Busy                     503  the service is full for the moment

A refusal is expected and is no crash: it is shown to the person, never logged as an error.
``message`` is an English text of the catalogue; the door that shows it translates it.
"""

from typing import Any, ClassVar

from microblog.i18n import marked


class Refusal(Exception):
    """The product says no. ``status`` is the HTTP status that says the same."""

    status: ClassVar[int] = 400
    message: str = marked("This cannot be done.")

    def __init__(self, message: str | None = None, **values: Any) -> None:
        super().__init__(message or self.message)
        self.message = message or self.message
        self.values = values


class Invalid(Refusal):
    """A value breaks a rule. ``field`` names the form field that shows the message."""

    field: str = ""

    def __init__(self, message: str | None = None, *, field: str = "", **values: Any) -> None:
        super().__init__(message, **values)
        self.field = field or self.field


class Malformed(Invalid):
    """A text holds a character that no text may hold."""

    message = marked("This text contains a character that cannot be used: %(character)s.")


class UsernameTaken(Invalid):
    """The name is in use, or reserved."""

    field = "username"
    message = marked("Please use a different username.")


class EmailTaken(Invalid):
    """The address belongs to an account already."""

    field = "email"
    message = marked("Please use a different email address.")


class NotAllowed(Refusal):
    """The person may not do this."""

    status = 403
    message = marked("You may not do this.")


class RegistrationClosed(Refusal):
    """This service takes no new accounts at present."""

    status = 403
    message = marked("Registration is closed.")


class NotFound(Refusal):
    """Not there, or not yours: the answer is the same."""

    status = 404
    message = marked("File Not Found")


class TooManyRequests(Refusal):
    """An allowance is used up; ``retry_after`` is in whole seconds, at least 1."""

    status = 429
    message = marked("Too many attempts. Please wait a little and try again.")

    def __init__(self, retry_after: float) -> None:
        super().__init__()
        self.retry_after = max(1, round(retry_after + 0.5))


class Busy(Refusal):
    """The service has as much work as it takes; coming again soon helps."""

    status = 503
    message = marked("The service is busy. Please try again in a moment.")
