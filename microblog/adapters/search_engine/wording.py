"""Questions and entries in Elasticsearch's own words.

It gets the terms that we have made of a text, and does nothing to them but to cut at the blanks:
what matches is decided by our analysis, and so the same posts are found as in the database.
"""

from typing import Any

from microblog.domain.search.analysis import document
from microblog.domain.search.entries import Entry, Question
from microblog.domain.search.query import Phrase

# From + size may not be more: index.max_result_window.
WINDOW = 10_000
# The words that the beginning of a word may stand for inside a phrase.
_MOST_EXPANSIONS = 1024

SETTINGS = {"analysis": {"analyzer": {"terms": {"type": "custom", "tokenizer": "whitespace"}}}}
MAPPINGS = {
    "dynamic": False,
    "properties": {
        "id": {"type": "long"},
        # To be read, not to be searched.
        "body": {"type": "text", "index": False},
        "terms": {"type": "text", "analyzer": "terms"},
        "author_id": {"type": "long"},
        "language": {"type": "keyword"},
        "timestamp": {"type": "date"},
    },
}


def entry(told: Entry) -> dict[str, Any]:
    """What the index keeps of a post."""
    return {
        "id": told.post_id,
        "body": told.body,
        "terms": document(told.body),
        "author_id": told.author_id,
        "language": told.language,
        "timestamp": told.created_at.isoformat(),
    }


def search(question: Question) -> dict[str, Any]:
    """The body of a search; best first, and of two alike the newer."""
    query = question.query
    asked: dict[str, Any] = {
        "must": [_phrase(phrase) for phrase in query.phrases],
        "must_not": [_phrase(phrase) for phrase in query.excluded],
        "filter": _filters(question),
    }
    return {
        "query": {"bool": {part: clauses for part, clauses in asked.items() if clauses}},
        "from": question.offset,
        "size": max(0, min(question.size, WINDOW - question.offset)),
        "sort": [{"_score": "desc"}, {"timestamp": "desc"}, {"id": "desc"}],
        "_source": False,
    }


def _phrase(phrase: Phrase) -> dict[str, Any]:
    if phrase.is_beginning and len(phrase.terms) == 1:
        return {"prefix": {"terms": {"value": phrase.terms[0]}}}
    asked: dict[str, Any] = {"query": " ".join(phrase.terms), "fields": ["terms"], "type": "phrase"}
    if phrase.is_beginning:
        asked |= {"type": "phrase_prefix", "max_expansions": _MOST_EXPANSIONS}
    return {"multi_match": asked}


def _filters(question: Question) -> list[dict[str, Any]]:
    query = question.query
    span = {"gte": query.after, "lt": query.before}
    told = {name: moment.isoformat() for name, moment in span.items() if moment is not None}
    filters: list[dict[str, Any]] = []
    if question.author_ids:
        filters.append({"terms": {"author_id": list(question.author_ids)}})
    if query.languages:
        filters.append({"terms": {"language": list(query.languages)}})
    if told:
        filters.append({"range": {"timestamp": told}})
    return filters
