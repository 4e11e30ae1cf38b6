"""Which names an account may have."""

import re

from microblog.domain.errors import Invalid, UsernameTaken
from microblog.models.user import USERNAME_LENGTH, fold

_SHAPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*\Z")

# Words that addresses, roles and the service itself speak for.
RESERVED = frozenset(
    """
    about abuse account accounts admin administrator administrators all anonymous api app atom
    auth avatar avatars bot bots cdn channel channels config confirm contact conversation css
    dashboard delete demo docs edit edit_profile email everybody everyone example explore export
    export_posts favicon.ico feed feeds follow followers following groups guest help home
    hostmaster icons img import import_posts index info invite js live livez login logout mail
    mailer-daemon manifest me message messages metrics microblog moderator moderators nobody noc
    none noreply no-reply notifications null official oauth operator page popup post postmaster
    posts press privacy profile public readyz register registration reset_password
    reset_password_request robots.txt root rss search security self send_message service session
    sessions settings shell signin signup sitemap.xml staff static status support sysadmin
    system tag tags team terms test timeline token tokens translate translation undefined
    unfollow user username users webmaster well-known www you
    """.split()  # noqa: SIM905 (a column of words reads better than a list of quotes)
)


def check(username: str) -> None:
    """Raise unless the name has the right shape and is nobody's word.

    Shape: 1 to 64 of ``A-Z a-z 0-9 _ . -``, beginning with a letter or digit.
    """
    if len(username) > USERNAME_LENGTH:
        raise Invalid(
            "Field cannot be longer than %(max)d characters.", field="username", max=USERNAME_LENGTH
        )
    if not _SHAPE.match(username):
        raise Invalid(
            "Use only A-Z, a-z, 0-9 and _ . - in a username, beginning with a letter or digit.",
            field="username",
        )
    if fold(username) in RESERVED:
        raise UsernameTaken
