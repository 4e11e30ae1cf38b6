"""What the service writes down about itself, and how none of it holds anybody up.

Records go through a queue to a thread, which makes one line of each and appends it to the file (or
to standard output). A line says which request and which person it belongs to; what could open a
door (passwords, tokens, cookies) is crossed out. Unhandled errors also become letters.
"""

from microblog.logs.auditing import audit
from microblog.logs.context import Visit, begin, request_id
from microblog.logs.journal import Journal, configure
from microblog.logs.letters import ErrorLetters, Report, error_letters
from microblog.logs.seldom import Seldom
from microblog.logs.watching import watch_loop, watch_queries

__all__ = [
    "ErrorLetters",
    "Journal",
    "Report",
    "Seldom",
    "Visit",
    "audit",
    "begin",
    "configure",
    "error_letters",
    "request_id",
    "watch_loop",
    "watch_queries",
]
