"""A process that is killed in the middle of its work.

``python -m tests.jobs.dying letter DATABASE_URL PORT``: right after the mail server has taken its
first letter. ``python -m tests.jobs.dying count DATABASE_URL STEPS``: when it has counted that far.
"""

import asyncio
import os
import signal
import sys
from email.message import EmailMessage

from microblog.adapters.mailer import SMTPMailer
from microblog.database import Database
from microblog.jobs.job import Handler, Job
from microblog.jobs.runner import Runner
from microblog.settings import NO_FILE, Mail, load
from tests.jobs.offices import sender


class LastLetter(SMTPMailer):
    async def send(self, message: EmailMessage) -> None:
        await super().send(message)
        os.kill(os.getpid(), signal.SIGKILL)


def counter(database: Database, steps: int) -> Runner:
    async def count(job: Job) -> None:
        done = (job.task.cursor or {}).get("done", 0)
        while done < steps:
            done += 1
            await job.advance(cursor={"done": done}, progress=done)
        os.kill(os.getpid(), signal.SIGKILL)

    return Runner(database, {"count": Handler(count, lane="lane")}, {"lane": 1})


async def main(what: str, url: str, number: int) -> None:
    settings = load(NO_FILE, {"DATABASE_URL": url})
    database = Database(settings.database_url, settings.database)
    if what == "letter":
        sender(database, LastLetter(Mail(server="127.0.0.1", port=number))).start()
    else:
        counter(database, number).start()
    await asyncio.sleep(30)


asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
