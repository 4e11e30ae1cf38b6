"""What systemd's notify protocol wants to know, and others that speak it: datagrams to a socket.

Where it is stands in the environment, like the process's own number: it is no setting, and where
there is none nothing is said.
"""

import os
import socket
import time
from contextlib import suppress

_TO = "NOTIFY_SOCKET"


def ready() -> None:
    """Connections are accepted."""
    notify("READY=1")


def reloading() -> None:
    """The workers are being replaced; `ready` ends it."""
    notify("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")


def stopping() -> None:
    notify("STOPPING=1")


def alive() -> None:
    """The event loop turns."""
    if watches():
        notify("WATCHDOG=1")


def watches() -> bool:
    """Whether somebody waits for our signs of life, and not for another process's."""
    watched = os.environ.get("WATCHDOG_PID", str(os.getpid()))
    return "WATCHDOG_USEC" in os.environ and watched == str(os.getpid())


def notify(*lines: str) -> None:
    path = os.environ.get(_TO, "")
    if not path:
        return
    # An abstract address, written with an @.
    address = f"\0{path[1:]}" if path.startswith("@") else path
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        sender.sendto("\n".join(lines).encode(), address)
