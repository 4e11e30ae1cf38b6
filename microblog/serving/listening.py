"""The listening socket: made once, before anything else, so that a taken port is said at once."""

import errno
import socket

BACKLOG = 1024
# A peer that acknowledges nothing for this long, pings included, is dead: the kernel hangs up.
DEAD_PEER_MS = 40_000


class CannotListen(Exception):
    """The address cannot be had; the text says which one, why, and what may help."""


def listen(host: str, port: int) -> socket.socket:
    """Bind and listen at once, so that of two programs that start together only one gets through.

    Port 0 takes any free port. Connections made from now on wait until the server is ready.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        both = family == socket.AF_INET6 and host == "::" and socket.has_dualstack_ipv6()
        listener = socket.create_server(
            (host, port), family=family, backlog=BACKLOG, dualstack_ipv6=both
        )
    except OSError as error:
        raise CannotListen(_explained(host, port, error)) from error
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        # Accepted connections inherit it.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAD_PEER_MS)
    return listener


def _explained(host: str, port: int, error: OSError) -> str:
    if isinstance(error, socket.gaierror):
        return f"the host {host} is not known"
    if error.errno == errno.EADDRINUSE:
        return f"port {port} on {host} is taken by another program; choose another with --port"
    if error.errno == errno.EACCES:
        return f"port {port} on {host} may not be used by this account; choose one above 1023"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is no address of this machine"
    return f"cannot listen on port {port} of {host}: {error.strerror}"


def address(listener: socket.socket) -> tuple[str, int]:
    """Host and port as a browser on this machine reaches them (a wildcard becomes loopback)."""
    host, port = listener.getsockname()[:2]
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port


def url(listener: socket.socket) -> str:
    host, port = address(listener)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
