"""What I am to be told, for pages whose socket does not come through."""

import json
from dataclasses import asdict
from typing import Any

from quart import Response, request

from microblog.domain import notifications as told
from microblog.web import access, scope
from microblog.web.main.blueprint import bp
from microblog.web.negotiation import JSON


@bp.route("/notifications")
@access.members_by_script
async def notifications() -> Any:
    """What was said after ``since`` (seconds since 1970; nonsense is the beginning of time)."""
    since = told.read_moment(request.args.get("since", ""))
    words = await told.since(scope.session(), scope.viewer(), since)
    text = json.dumps([asdict(word) for word in words], ensure_ascii=False)
    return Response(text, content_type=JSON)
