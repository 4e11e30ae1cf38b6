"""What kind of answer the client wants: a page, or JSON."""

from quart import has_request_context, request

JSON = "application/json"
HTML = "text/html"


def is_api(path: str) -> bool:
    """Whether a path is one for programs: there everything is JSON and English, errors too."""
    return path == "/api" or path.startswith("/api/")


def prefers_json() -> bool:
    """Whether the client asks for JSON rather than for a page."""
    accepted = request.accept_mimetypes
    return bool(accepted) and accepted.quality(JSON) > accepted.quality(HTML)


def error_as_json() -> bool:
    """Whether an error is told in JSON: always under ``/api``, else unless HTML is preferred."""
    if not has_request_context():
        return True
    if is_api(request.path):
        return True
    accepted = request.accept_mimetypes
    return not accepted or accepted.quality(JSON) >= accepted.quality(HTML)
