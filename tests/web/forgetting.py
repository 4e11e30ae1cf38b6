"""An application that keeps nothing of what it has said: what it says is right."""

import re

from quart import Quart

from microblog.resources import Resources
from microblog.web import rendering
from microblog.web.api import serialization
from microblog.web.api.serialization import Texts
from microblog.web.drawing import Pages

# What differs between two answers to the same question: tokens, how far each process has read the
# log, and when somebody was last seen.
_PASSING = re.compile(
    r'csrf[_-]token" (?:value|content)="[^"]*"|data-since="\d+"|(?<=live-since" content=)"\d+"'
    r'|(?<="profile-fact">)[^<]*<time .*?</time>'
)


def forget_everything(app: Quart) -> None:
    """Have all of it read, drawn and worded anew each time; before anybody has asked for it."""
    resources: Resources = app.extensions["microblog"]
    pages: Pages = app.extensions[rendering.EXTENSION]
    resources.memory.is_on = False
    resources.hub._teller.most_frames = 0
    resources.hub._past.most = 0
    app.extensions[serialization.EXTENSION] = Texts(0)
    pages.keep_nothing()
    for logins in app.extensions["QUART_AUTH"]:
        logins.most = 0


def lasting(text: str) -> str:
    """An answer without what no two answers share."""
    return _PASSING.sub("", text)
