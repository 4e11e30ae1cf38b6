"""Mail: handed to a mail server, or put into a folder where none is set."""

from microblog.adapters.mailer.folder import FolderMailer
from microblog.adapters.mailer.promise import Mailer, NotSent, Refused, Unreachable
from microblog.adapters.mailer.smtp import SMTPMailer
from microblog.settings import Settings

__all__ = ["FolderMailer", "Mailer", "NotSent", "Refused", "SMTPMailer", "Unreachable", "build"]


def build(settings: Settings) -> Mailer:
    """The mailer that the settings ask for; it opens nothing before the first letter."""
    if settings.mail.server:
        return SMTPMailer(settings.mail)
    return FolderMailer(settings.server.instance / "mail")
