"""A search engine beside the database, where the operator has one.

The client of an engine is a large library: about a tenth of a second and nine megabytes for each
process. Whoever has no engine does not pay for it, so its module is found by name when it is
needed. That is the one place in the program where modules are.
"""

from importlib import import_module

from microblog.adapters.search_engine.promise import (
    EngineDown,
    EngineResting,
    Hits,
    SearchEngine,
)
from microblog.settings import Search

__all__ = ["EngineDown", "EngineResting", "Hits", "SearchEngine", "build"]

_ELASTICSEARCH = "microblog.adapters.search_engine.elastic"


def build(settings: Search) -> SearchEngine | None:
    """The engine that the settings ask for; it asks nothing of anybody yet."""
    if not settings.elasticsearch_url:
        return None
    engine: SearchEngine = import_module(_ELASTICSEARCH).Elasticsearch(settings.elasticsearch_url)
    return engine
