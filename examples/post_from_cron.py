"""Post a text once, however often it is sent: for cron, and for whatever is tried again.

    python post_from_cron.py "Good morning"
    fortune | python post_from_cron.py --key "fortune of $(date +%F)"

MICROBLOG_TOKEN is a token with the scope `write`, MICROBLOG_URL where the service is. The same text
under the same key is one post: within 24 hours the service answers again what it has answered. The
key is the date of today unless you give one. Needs the package httpx. Exit status: 0 if the text is
posted, 1 if not.
"""

import argparse
import hashlib
import os
import sys
import time
from datetime import date

import httpx

URL = os.environ.get("MICROBLOG_URL", "http://127.0.0.1:5000")
TOKEN = os.environ.get("MICROBLOG_TOKEN", "").strip()
LONGEST_PAUSE = 300


def main() -> None:
    """Post what the command line or standard input says."""
    parser = argparse.ArgumentParser(description="Post a text once.")
    parser.add_argument("text", nargs="?", help="what to say; without it, standard input")
    parser.add_argument("--key", default=date.today().isoformat(), help="what makes it the same")
    given = parser.parse_args()
    raw = sys.stdin.buffer.read() if given.text is None else os.fsencode(given.text)
    try:
        text = raw.decode().strip()
    except UnicodeDecodeError:
        sys.exit("not posted: the text is not UTF-8")
    if not text:
        sys.exit("not posted: there is no text")
    key = hashlib.sha256(os.fsencode(given.key) + b"\0" + text.encode()).hexdigest()
    if not (TOKEN.isascii() and TOKEN.startswith("mb_") and URL.startswith("http")):
        sys.exit("not posted: set MICROBLOG_TOKEN to a token, and MICROBLOG_URL to an address")
    headers = {"Authorization": f"Bearer {TOKEN}", "Idempotency-Key": key}
    with httpx.Client(base_url=URL, headers=headers, timeout=30) as client:
        answer = send(client, text)
    if answer.status_code != httpx.codes.CREATED:
        sys.exit(f"not posted: {reason(answer)}")
    is_old = answer.headers.get("Idempotency-Replayed") == "true"
    word = "was posted already" if is_old else "posted"
    sys.stdout.write(f"{word}: {URL}{answer.json()['_links']['page']}\n")


def send(client: httpx.Client, text: str) -> httpx.Response:
    """Send it until there is an answer that another try would not change."""
    for pause in (1, 2, 5, 15, 60, 0):
        try:
            answer = client.post("/api/posts", json={"body": text})
            trouble, told = reason(answer), answer.headers.get("Retry-After", "")
            if not (answer.is_server_error or told):
                return answer
        except httpx.TransportError as error:
            trouble, told = f"no answer ({type(error).__name__})", ""
        wait = int(told) if told.isdecimal() else pause
        if not pause or wait > LONGEST_PAUSE:
            break
        time.sleep(wait)
    sys.exit(f"not posted: {trouble}")


def reason(answer: httpx.Response) -> str:
    """What the service says about it, or the status where something else has answered."""
    try:
        return f"{answer.status_code}, {answer.json()['detail']}"
    except (ValueError, KeyError, TypeError):
        return f"{answer.status_code} {answer.reason_phrase}"


if __name__ == "__main__":
    main()
