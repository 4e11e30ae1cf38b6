"""A post office that is killed right after the mail server has taken its first letter.

``python -m tests.jobs.dying DATABASE_URL PORT``
"""

import asyncio
import os
import signal
import sys
from email.message import EmailMessage

from microblog.adapters.mailer import SMTPMailer
from microblog.database import Database
from microblog.jobs.letters import PostOffice
from microblog.settings import NO_FILE, Mail, load
from tests.jobs.offices import press


class LastLetter(SMTPMailer):
    async def send(self, message: EmailMessage) -> None:
        await super().send(message)
        os.kill(os.getpid(), signal.SIGKILL)


async def main(url: str, port: int) -> None:
    settings = load(NO_FILE, {"DATABASE_URL": url})
    database = Database(settings.database_url, settings.database)
    mailer = LastLetter(Mail(server="127.0.0.1", port=port))
    PostOffice(database, mailer, press().compose).start()
    await asyncio.sleep(30)


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
