"""Print every new post as a line, the moment it is written, until you press Ctrl-C.

    python live_tail.py                        # what you read: your timeline
    python live_tail.py --channel explore      # or everybody: explore; or a person: user:susan

MICROBLOG_TOKEN is a token with the scope `read`, MICROBLOG_URL where the service is. After a break
it comes back by itself and goes on where it was. Needs the package websockets, 15 or later:
`pip install websockets`. Exit status: 1 if the token does not open the feed, or no longer.
"""

import argparse
import json
import os
import random
import sys
import time
from typing import Any
from urllib.parse import urlencode

from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect

URL = os.environ.get("MICROBLOG_URL", "http://127.0.0.1:5000")
TOKEN = os.environ.get("MICROBLOG_TOKEN", "").strip()
LONGEST_PAUSE = 60
# Closings and refusals after which there is no coming back.
FINAL = {
    1003: "there is no such channel",
    4401: "the token has ended or was revoked",
    401: "the token is not valid",
    403: "the token lacks the scope read",
}


class Tail:
    """What was heard: ``seq`` is the last event's number, ``failures`` those since a greeting."""

    seq: int | None = None
    failures = 0

    def listen(self, channel: str) -> float:
        """Print until the line breaks; the seconds after which to come back."""
        asked = {"channels": channel} | ({} if self.seq is None else {"since": self.seq})
        address = f"ws{URL.removeprefix('http')}/live?{urlencode(asked)}"
        code, trouble, told = 0, "", ""
        try:
            with connect(address, additional_headers={"Authorization": f"Bearer {TOKEN}"}) as line:
                self._hear(line)
        except InvalidStatus as error:
            code, told = error.response.status_code, error.response.headers.get("Retry-After", "")
            trouble = f"refused with {code}"
        except ConnectionClosed as error:
            code = error.rcvd.code if error.rcvd else 0
            trouble = f"closed ({code or 'cut'})"
        except (OSError, WebSocketException) as error:
            trouble = f"no connection ({type(error).__name__})"
        if code in FINAL:
            sys.exit(f"live_tail: {FINAL[code]}")
        self.failures += 1
        span = min(LONGEST_PAUSE, 2**self.failures)
        # After a restart many come back, better not all in the same moment.
        wait = random.uniform(0, span) + (int(told) if told.isdecimal() else 0)  # noqa: S311
        say(f"{trouble}; back in {wait:.1f} s")
        return wait

    def _hear(self, line: ClientConnection) -> None:
        silence = 30.0
        while True:
            frame = json.loads(line.recv(timeout=silence))
            if frame["type"] == "hello":
                # What was missed comes behind it, so a number that we have stays.
                self.seq = frame["seq"] if self.seq is None else self.seq
                self.failures, silence = 0, 2.5 * frame["heartbeat"]
                say(f"listening as {frame['user']}")
            elif frame["type"] == "gap":
                self.seq = frame["seq"]
                say("gap: posts may be missing here")
            elif self.seq is None or frame["seq"] > self.seq:
                if frame["type"] == "post.created":
                    show(frame["post"])
                self.seq = frame["seq"]


def show(post: dict[str, Any]) -> None:
    """One line, at once."""
    text = " ".join(post["body"].split())
    sys.stdout.write(f"{post['timestamp']} {post['author']['username']}: {text}\n")
    sys.stdout.flush()


def say(text: str) -> None:
    """A word beside the posts."""
    sys.stderr.write(f"live_tail: {text}\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Print every new post as a line.")
    parser.add_argument("--channel", default="home", help="home, explore, or user:<username>")
    given = parser.parse_args()
    if not (TOKEN.isascii() and TOKEN.startswith("mb_") and URL.startswith("http")):
        sys.exit("set MICROBLOG_TOKEN to a token, and MICROBLOG_URL to an address")
    tail = Tail()
    while True:
        time.sleep(tail.listen(given.channel))
