"""What the operator decides: typed, read once at the start, checked as a whole.

Nothing else in the project reads the environment.
"""

from microblog.settings.keys import KEYS, Key
from microblog.settings.problems import Problem, SettingsError, one_line
from microblog.settings.reading import NO_FILE, inspect, load, load_or_exit
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
from microblog.settings.whole import Settings

__all__ = [
    "KEYS",
    "NO_FILE",
    "Accounts",
    "Api",
    "Archives",
    "Avatars",
    "Database",
    "Jobs",
    "Key",
    "Languages",
    "Limits",
    "Live",
    "Logs",
    "Mail",
    "Messages",
    "Posts",
    "Problem",
    "Redis",
    "Search",
    "Server",
    "Settings",
    "SettingsError",
    "Translator",
    "inspect",
    "load",
    "load_or_exit",
    "one_line",
]
