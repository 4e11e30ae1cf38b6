"""Long texts that are the same for everybody: made once, packed once, kept in both forms.

They hold nobody's secret, so their length may tell what is in them; nothing else here is packed.
"""

import gzip

from quart import Response, request

from microblog.web.api.answers import tag_of
from microblog.web.stencils import takes_gzip


class Document:
    """A text, with a tag for each of its two forms (RFC 9110, 8.8.3.3)."""

    def __init__(self, text: str, content_type: str) -> None:
        """Pack it."""
        self._content_type = content_type
        plain = text.encode()
        # Without a date in it, so that all processes have the same bytes, and the same tag.
        packed = gzip.compress(plain, mtime=0)
        self._forms = {form is packed: (form, tag_of(form)) for form in (plain, packed)}

    def answer(self) -> Response:
        """The form that this client takes."""
        is_packed = takes_gzip(request.headers.get("Accept-Encoding", ""))
        body, tag = self._forms[is_packed]
        response = Response(body, content_type=self._content_type)
        response.set_etag(tag)
        response.vary.add("Accept-Encoding")
        if is_packed:
            response.headers["Content-Encoding"] = "gzip"
        return response
