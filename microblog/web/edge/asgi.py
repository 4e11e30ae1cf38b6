"""The server's side of the interface, as far as the edge uses it."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
# The framework's own types are narrower than what a server really hands over.
Application = Callable[[Any, Any, Any], Awaitable[None]]
