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
    ├── Conflict                 409  something else stands against it
    │   └── UnderWay             409  the same is being done already
    ├── TooManyRequests          429  knows when to come again
    └── Busy                     503  the service is full for the moment

A refusal is expected and is no crash: it is shown to the person, never logged as an error.
``message`` is an English text of the catalogue; the door that shows it translates it.
"""

from dataclasses import dataclass
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


class Conflict(Refusal):
    """Something else that was done, or is going on, stands against it."""

    status = 409
    message = marked("This stands against something else that is going on.")


class UnderWay(Conflict):
    """The same is being done at this moment; coming again soon tells how it went."""

    retry_after: ClassVar[int] = 5
    message = marked("This is being done at this moment.")


@dataclass(frozen=True, slots=True)
class Exceeded:
    """An allowance that is used up: ``times`` in any ``seconds``, all of it there in ``full_in``.

    ``full_in`` is in seconds, too.
    """

    name: str
    times: float
    seconds: float
    full_in: float


class TooManyRequests(Refusal):
    """An allowance is used up; ``retry_after`` is in whole seconds, at least 1.

    ``exactly`` is the same in seconds as they are; ``exceeded`` is which allowance that is, where
    it is one that all processes share.
    """

    status = 429
    message = marked("Too many attempts. Please wait a little and try again.")

    def __init__(self, retry_after: float, exceeded: Exceeded | None = None) -> None:
        super().__init__()
        self.exceeded = exceeded
        self.retry_after = max(1, round(retry_after + 0.5))
        self.exactly = max(0.0, retry_after)


class Busy(Refusal):
    """The service has as much work as it takes; coming again soon helps.

    ``retry_after`` is in whole seconds.
    """

    status = 503
    retry_after: ClassVar[int] = 5
    message = marked("The service is busy. Please try again in a moment.")
