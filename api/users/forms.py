"""How a login's body is read: JSON, or the form OAuth2 names."""

import json
from typing import Annotated, Any, Final

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from api.http.numbers import ExactRoute, is_json, not_json, read_json
from api.http.sentences import FieldWrong
from api.users.schemas import LoginRequest

FORM: Final = "application/x-www-form-urlencoded"
# What OAuth2's password flow may send along; none of it changes anything here.
_IGNORED: Final = ("grant_type", "scope", "client_id", "client_secret")
_NAMES: Final = {"username", "email", "password", *_IGNORED}

BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/LoginRequest"}},
            FORM: {
                "schema": {
                    "type": "object",
                    "required": ["username", "password"],
                    "properties": {
                        "grant_type": {"type": "string", "enum": ["password"]},
                        "username": {"type": "string", "description": "the email"},
                        "password": {"type": "string", "format": "password"},
                    },
                }
            },
        },
    }
}


async def login_request(request: Request) -> LoginRequest:
    """Read either form of credentials."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() == FORM:
        if (await request.body()).lstrip().startswith(b"{"):
            raise not_json(ExactRoute.not_json, request)
        form = dict(await request.form(max_fields=len(_IGNORED) + 4))
        # A name that is none may be what was meant as a secret: it is not repeated.
        if not form.keys() <= _NAMES:
            why = FieldWrong("has a field besides username and password")
            raise RequestValidationError([{"type": "value_error", "loc": ("body",), "ctx": {"error": why}}])
        fields: Any = {"email" if name == "username" else name: value for name, value in form.items()}
        for name in _IGNORED:
            fields.pop(name, None)
    else:
        fields = await _json(request)
    try:
        return LoginRequest.model_validate(fields)
    except ValidationError as error:
        errors = [fault | {"loc": ("body", *fault["loc"])} for fault in error.errors(include_url=False)]
        raise RequestValidationError(errors) from error


async def _json(request: Request) -> Any:
    body = await request.body()
    if body and not is_json(request):
        raise not_json(ExactRoute.not_json, request, FORM)
    try:
        return read_json(body)
    except json.JSONDecodeError as error:
        raise RequestValidationError([{"type": "json_invalid", "loc": ("body",), "msg": "", "input": None}]) from error


LoginBody = Annotated[LoginRequest, Depends(login_request)]
