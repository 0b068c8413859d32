"""How a request is refused that says in a body what its route would not look at."""

import json
from typing import Final

from fastapi import Depends, Request

from api.http.numbers import read_json
from api.http.problems import MALFORMED, ApiError, Fault

METHODS: Final = ("PATCH", "POST", "PUT")
NO_FIELD: Final = "is not a field of this request"


async def refuse_body(request: Request) -> None:
    """Refuse a body with fields where the route has none; an empty object says nothing."""
    route = request.scope["route"]
    is_read = route.body_field is not None or "requestBody" in (route.openapi_extra or {})
    if is_read or request.method not in METHODS:
        return
    body = await request.body()
    if not body.strip():
        return
    try:
        said = read_json(body)
    except json.JSONDecodeError:
        said = body
    if not isinstance(said, dict):
        message = "must be empty: this request has no body"
        raise ApiError(MALFORMED, f"the body: {message}", faults=[Fault(pointer="", message=message)])
    if said:
        faults = [Fault(pointer=f"/{name.replace('~', '~0').replace('/', '~1')}", message=NO_FIELD) for name in said]
        raise ApiError(MALFORMED, "; ".join(f"{fault.pointer}: {NO_FIELD}" for fault in faults[:3]), faults=faults)


NO_BODY: Final = Depends(refuse_body)
