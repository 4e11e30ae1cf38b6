"""All sections together: what the rest of the program is handed."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from microblog.settings.addresses import async_database_url, sqlite_file_url
from microblog.settings.sections import (
    Accounts,
    Api,
    Archives,
    Avatars,
    Database,
    Jobs,
    Languages,
    Limits,
    Live,
    Logs,
    Mail,
    Messages,
    Posts,
    Redis,
    Search,
    Server,
    Translator,
)


@dataclass(frozen=True)
class Settings:
    server: Server = field(default_factory=Server)
    database: Database = field(default_factory=Database)
    redis: Redis = field(default_factory=Redis)
    posts: Posts = field(default_factory=Posts)
    accounts: Accounts = field(default_factory=Accounts)
    messages: Messages = field(default_factory=Messages)
    jobs: Jobs = field(default_factory=Jobs)
    archives: Archives = field(default_factory=Archives)
    avatars: Avatars = field(default_factory=Avatars)
    live: Live = field(default_factory=Live)
    limits: Limits = field(default_factory=Limits)
    api: Api = field(default_factory=Api)
    mail: Mail = field(default_factory=Mail)
    languages: Languages = field(default_factory=Languages)
    translator: Translator = field(default_factory=Translator)
    search: Search = field(default_factory=Search)
    logs: Logs = field(default_factory=Logs)
    sources: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    """Where each value came from, by its key: `server.port` → `environment PORT`."""

    @property
    def database_url(self) -> str:
        """The database with the asynchronous driver that opens it."""
        if self.database.url:
            return async_database_url(self.database.url)
        return sqlite_file_url(self.server.instance / "microblog.db")

    @property
    def is_sqlite(self) -> bool:
        return self.database_url.startswith("sqlite")
