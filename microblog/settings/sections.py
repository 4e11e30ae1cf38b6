"""Every setting: its section, name, type, default, bounds and other names.

`settings.toml` at the top of the project repeats the defaults with one line of explanation each.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from microblog.settings.addresses import (
    base_address,
    database_address,
    masked,
    origins,
    redis_address,
    service_address,
)
from microblog.settings.rules import (
    Alias,
    Masked,
    OneOf,
    Range,
    Secret,
    language_codes,
    long_enough,
    mail_addresses,
    not_empty,
    off_or_from_one,
    sender_address,
)

Count = Annotated[int, Range(at_least=1, at_most=1_000_000_000)]
Days = Annotated[int, Range(at_least=1, at_most=3650)]
Length = Annotated[int, Range(at_least=1, at_most=20_000)]
Seconds = Annotated[float, Range(above=0, at_most=3600)]
Port = Annotated[int, Range(at_least=1, at_most=65535)]

TranslatorKind = Literal["off", "microsoft", "libretranslate", "deepl"]


@dataclass(frozen=True)
class Server:
    host: Annotated[str, not_empty] = "127.0.0.1"
    port: Annotated[Port, Alias("PORT")] = 5000
    workers: Annotated[int, Range(at_least=1, at_most=256), Alias("WEB_CONCURRENCY")] = 1
    base_url: Annotated[str, base_address, Alias("BASE_URL")] = ""
    instance: Path = Path("instance")
    secret_key: Annotated[str, Secret(), long_enough, Alias("SECRET_KEY")] = field(
        default="", repr=False
    )
    trusted_proxies: Annotated[int, Range(at_least=0, at_most=16)] = 0
    graceful_seconds: Annotated[float, Range(at_least=0, at_most=9)] = 8.0
    stall_seconds: Annotated[float, off_or_from_one, Range(at_least=0, at_most=3600)] = 30.0
    spare_worker: bool = True
    metrics: bool = False
    max_body: Annotated[int, Range(at_least=1024, at_most=1_073_741_824)] = 65536
    requests_in_work: Annotated[int, Range(at_least=1, at_most=1_000_000)] = 16
    requests_waiting: Annotated[int, Range(at_least=0, at_most=1_000_000)] = 256
    waiting_seconds: Seconds = 1.0

    def __post_init__(self) -> None:
        # Fixed at the start, so that a later change of the working directory moves no data.
        object.__setattr__(self, "instance", self.instance.absolute())

    @property
    def https(self) -> bool:
        return self.base_url.startswith("https://")


@dataclass(frozen=True)
class Database:
    url: Annotated[str, Masked(masked), database_address, Alias("DATABASE_URL")] = field(
        default="", repr=False
    )
    synchronous: Annotated[str, OneOf("FULL", "NORMAL", "EXTRA")] = "FULL"
    busy_timeout: Seconds = 5.0
    pool_size: Annotated[int, Range(at_least=1, at_most=1000)] = 5
    pool_timeout: Seconds = 2.0
    statement_timeout: Seconds = 10.0


@dataclass(frozen=True)
class Redis:
    url: Annotated[str, Masked(masked), redis_address, Alias("REDIS_URL")] = field(
        default="", repr=False
    )


@dataclass(frozen=True)
class Posts:
    per_page: Annotated[int, Range(at_least=1, at_most=200), Alias("POSTS_PER_PAGE")] = 25
    max_length: Length = 500


@dataclass(frozen=True)
class Accounts:
    registration: Annotated[str, OneOf("open", "closed", "invite")] = "open"
    confirm_email: Annotated[str, OneOf("off", "ask", "require")] = "ask"
    about_me_length: Length = 500
    password_min_length: Annotated[int, Range(at_least=1, at_most=128)] = 8
    session_idle_days: Days = 14
    session_max_days: Days = 90
    remember_days: Days = 365
    hash_workers: Annotated[int, Range(at_least=1, at_most=64)] = 2


@dataclass(frozen=True)
class Messages:
    max_length: Length = 2000


@dataclass(frozen=True)
class Jobs:
    inside: bool = True
    exports_at_once: Annotated[int, Range(at_least=1, at_most=64)] = 2


@dataclass(frozen=True)
class Archives:
    keep_days: Days = 7
    attach_bytes: Annotated[int, Range(at_least=0, at_most=50_000_000)] = 5_000_000
    import_bytes: Annotated[int, Range(at_least=65536, at_most=1_073_741_824)] = 67_108_864
    unpacked_bytes: Annotated[int, Range(at_least=65536, at_most=4_294_967_296)] = 536_870_912
    import_posts: Count = 200_000
    pause: Annotated[float, Range(at_least=0, at_most=60)] = 0.0


@dataclass(frozen=True)
class Avatars:
    provider: Annotated[str, OneOf("identicon", "gravatar")] = "identicon"


@dataclass(frozen=True)
class Live:
    heartbeat: Seconds = 20.0
    queue_size: Annotated[int, Range(at_least=1, at_most=65536)] = 64
    connections_per_user: Count = 20
    connections_total: Count = 20000
    handshakes_per_user: Count = 120
    handshakes_per_address: Count = 1200
    messages_per_minute: Count = 30
    keep_hours: Annotated[int, Range(at_least=1, at_most=8760)] = 24
    keep_events: Count = 100000
    poll_seconds: Seconds = 2.0
    sqlite_poll_seconds: Seconds = 0.05


@dataclass(frozen=True)
class Limits:
    scale: Annotated[float, Range(above=0, at_most=1_000_000)] = 1.0
    login_per_account: Count = 10
    login_per_address: Count = 25
    registrations_per_address: Count = 5
    letters: Count = 5
    writes_per_minute: Count = 60
    api_reads_per_minute: Count = 300
    api_writes_per_minute: Count = 60
    messages_per_minute: Count = 20
    exports_per_day: Count = 10
    imports_per_day: Count = 10
    translations_per_day: Count = 100
    translated_characters_per_day: Count = 20_000

    def scaled(self, count: int) -> int:
        """A rate or connection limit as it holds on this server: times `scale`, at least 1."""
        return max(1, round(count * self.scale))


@dataclass(frozen=True)
class Api:
    cors_origins: Annotated[tuple[str, ...], origins] = ()


@dataclass(frozen=True)
class Mail:
    server: Annotated[str, Alias("MAIL_SERVER")] = ""
    port: Annotated[Port, Alias("MAIL_PORT")] = 25
    use_tls: Annotated[bool, Alias("MAIL_USE_TLS")] = False
    use_ssl: Annotated[bool, Alias("MAIL_USE_SSL")] = False
    username: Annotated[str, Alias("MAIL_USERNAME")] = ""
    password: Annotated[str, Secret(), Alias("MAIL_PASSWORD")] = field(default="", repr=False)
    default_sender: Annotated[str, sender_address, Alias("MAIL_DEFAULT_SENDER")] = ""
    admins: Annotated[tuple[str, ...], mail_addresses, Alias("ADMINS")] = ()

    @property
    def sender(self) -> str:
        """Who letters come from; never empty."""
        first_admin = next(iter(self.admins), "")
        return self.default_sender or first_admin or f"no-reply@{self.server or 'localhost'}"


@dataclass(frozen=True)
class Languages:
    offered: Annotated[tuple[str, ...], language_codes, Alias("LANGUAGES")] = ("en", "es")

    @property
    def default(self) -> str:
        return self.offered[0]


@dataclass(frozen=True)
class Translator:
    provider: Annotated[
        str, OneOf("", "off", "microsoft", "libretranslate", "deepl"), Alias("TRANSLATOR")
    ] = ""
    key: Annotated[str, Secret(), Alias("MS_TRANSLATOR_KEY")] = field(default="", repr=False)
    region: Annotated[str, Alias("MS_TRANSLATOR_REGION")] = ""
    url: Annotated[str, Masked(masked), service_address, Alias("TRANSLATOR_URL")] = field(
        default="", repr=False
    )
    version: Annotated[str, OneOf("3.0", "2026-06-06")] = "3.0"
    budget: Count = 60_000

    @property
    def kind(self) -> TranslatorKind:
        """The provider in use: without a name, a key alone means Microsoft's."""
        match self.provider:
            case "microsoft" | "libretranslate" | "deepl" | "off":
                return self.provider
            case _:
                return "microsoft" if self.key else "off"


@dataclass(frozen=True)
class Search:
    elasticsearch_url: Annotated[
        str, Masked(masked), service_address, Alias("ELASTICSEARCH_URL")
    ] = field(default="", repr=False)

    @property
    def has_engine(self) -> bool:
        """Whether there is an engine beside the database."""
        return bool(self.elasticsearch_url)


@dataclass(frozen=True)
class Logs:
    stdout: Annotated[bool, Alias("LOG_TO_STDOUT")] = False
    level: Annotated[str, OneOf("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")] = "INFO"
    json: bool = False
    max_bytes: Annotated[int, Range(at_least=1024, at_most=1_073_741_824)] = 1048576
    backups: Annotated[int, Range(at_least=1, at_most=1000)] = 10
    access: bool = True
    slow_request: Seconds = 1.0
    slow_query: Seconds = 0.5
