"""Addresses of databases and services: which forms are understood, and how to show them."""

import re
from ipaddress import IPv6Address
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

DATABASE_FORMS = "sqlite:///path or postgresql://user:password@host/name"
POSTGRESQL_OPTIONS = frozenset({"host", "port", "ssl", "prepared_statement_cache_size"})
REDIS_SCHEMES = frozenset({"redis", "rediss"})
REDIS_NUMBERS = frozenset(str(number) for number in range(1000))
DEFAULT_PORTS = {"http": 80, "https": 443}
LABEL = r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?"
HOST_NAME = re.compile(rf"{LABEL}(\.{LABEL})*", re.ASCII | re.IGNORECASE)


def masked(address: str) -> str:
    """The address without password and options. Works for text that is no address, too."""
    scheme, separator, rest = address.partition("://")
    if not separator:
        return "(hidden)" if address else ""
    login, at, place = rest.rpartition("@")
    user, colon, _ = login.partition(":")
    shown_login = (f"{user}:***@" if colon else "***@") if at else ""
    place = place.partition("?")[0].partition("#")[0]
    return f"{scheme}://{shown_login}{place}"


def async_database_url(address: str) -> str:
    """The same database, by the driver that this project uses. ValueError says what is expected."""
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        raise ValueError(DATABASE_FORMS) from None
    scheme = url.drivername.partition("+")[0]
    if scheme == "sqlite":
        return _sqlite(url)
    if scheme in {"postgres", "postgresql"}:
        return _postgresql(url)
    raise ValueError(f"{DATABASE_FORMS}, not {scheme}")


def database_address(address: str) -> str:
    """Empty, or understood. Kept as it was given; `async_database_url` is its normal form."""
    if address:
        async_database_url(address)
    return address


def sqlite_file_url(file: Path) -> str:
    url = URL.create("sqlite+aiosqlite", database=str(file.absolute()))
    return url.render_as_string(hide_password=False)


def _sqlite(url: URL) -> str:
    # Several connections look at one database, so one that lives in memory cannot be it.
    if not url.database or url.host or url.database == ":memory:":
        raise ValueError("sqlite:///path, the path of a file")
    if url.query:
        raise ValueError(f"sqlite:///path without the option {next(iter(url.query))}")
    return sqlite_file_url(Path(url.database))


def _postgresql(url: URL) -> str:
    # libpq's name for it stands in most addresses that providers hand out; asyncpg calls it ssl.
    query = {("ssl" if name == "sslmode" else name): value for name, value in url.query.items()}
    unknown = sorted(query.keys() - POSTGRESQL_OPTIONS)
    if unknown:
        raise ValueError(f"postgresql://… without the option {unknown[0]}")
    if url.port is not None and not 1 <= url.port <= 65535:
        raise ValueError("postgresql://… with a port from 1 to 65535")
    asynchronous = url.set(drivername="postgresql+asyncpg", query=query)
    return asynchronous.render_as_string(hide_password=False)


def service_address(address: str) -> str:
    """Empty, or the address of a service on HTTP; a slash at its end is dropped."""
    if address and _split(address) is None:
        raise ValueError("an address like https://host:port/path")
    return address.rstrip("/")


def redis_address(address: str) -> str:
    """Empty, or the address of a Redis server and the number of a database in it."""
    if address and not _is_redis(address):
        raise ValueError("redis://user:password@host:port/number, or rediss:// for TLS")
    return address


def _is_redis(address: str) -> bool:
    scheme, separator, rest = address.partition("://")
    # The rules for what may stand there are those of any other address.
    if scheme not in REDIS_SCHEMES or not separator or _split(f"http://{rest}") is None:
        return False
    number = rest.partition("/")[2]
    return "?" not in rest and "#" not in rest and (not number or number in REDIS_NUMBERS)


def base_address(address: str) -> str:
    """Empty, or an origin as browsers write it: lower case, without the scheme's own port."""
    expected = "an address like https://example.com or http://host:port, and nothing behind it"
    if not address:
        return ""
    parts = _split(address)
    if parts is None or parts.path not in {"", "/"} or "?" in address or "#" in address:
        raise ValueError(expected)
    if parts.hostname is None or "@" in address:
        raise ValueError(expected)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = "" if parts.port in {None, DEFAULT_PORTS[parts.scheme]} else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"


def origins(addresses: tuple[str, ...]) -> tuple[str, ...]:
    """Each of them an origin as browsers write it."""
    if "" in addresses:
        raise ValueError("origins like https://example.com, and none is empty")
    return tuple(base_address(address) for address in addresses)


def _split(address: str) -> SplitResult | None:
    if any(character.isspace() for character in address):
        return None
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return None
    usable = parts.scheme in DEFAULT_PORTS and port != 0 and _is_host(parts.hostname or "")
    return parts if usable else None


def _is_host(name: str) -> bool:
    if ":" not in name:
        return len(name) <= 253 and HOST_NAME.fullmatch(name) is not None
    try:
        return IPv6Address(name).scope_id is None
    except ValueError:
        return False
