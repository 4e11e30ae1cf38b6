"""What kind of answer the client wants: a page, or JSON."""

from quart import has_request_context, request

JSON = "application/json"
HTML = "text/html"


def prefers_json() -> bool:
    """Whether the client asks for JSON rather than for a page."""
    accepted = request.accept_mimetypes
    return bool(accepted) and accepted.quality(JSON) > accepted.quality(HTML)


def error_as_json() -> bool:
    """Whether an error is told in JSON: always under ``/api``, else unless HTML is preferred."""
    if not has_request_context():
        return True
    if request.path == "/api" or request.path.startswith("/api/"):
        return True
    accepted = request.accept_mimetypes
    return not accepted or accepted.quality(JSON) >= accepted.quality(HTML)
