"""How numbers in requests keep their digits from the body to the ledger's integers; no float on the way."""

import json
import re
from collections.abc import Callable, Coroutine
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Final

from fastapi import Request, Response
from pydantic import BeforeValidator, WithJsonSchema

from api.http.lean_routes import LeanRoute
from api.http.problems import UNSUPPORTED_MEDIA_TYPE, ApiError, ProblemKind, malformed
from api.http.sentences import FieldWrong, shown
from schemas.bounds import PRICE_MAX
from schemas.units import DIGITS_MAX, LEVERAGE_EXPONENT, MONEY_EXPONENT, NotRepresentable, parse, render

_DIGITS: Final = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,4})?", re.ASCII)
RATE_EXPONENT: Final = 6
JSON: Final = "application/json"
_LENGTH_MAX: Final = 2 * DIGITS_MAX


class Digits(str):
    """A JSON number as it was written."""

    __slots__ = ()


class ExactRequest(Request):
    """A request whose JSON numbers arrive as the digits that were sent."""

    async def json(self) -> Any:
        if not hasattr(self, "_json"):
            self._json = read_json(await self.body())
        return self._json


class ExactRoute(LeanRoute):
    """A route that reads its body so, and says where a body is not said to be JSON."""

    not_json: ClassVar[ProblemKind] = UNSUPPORTED_MEDIA_TYPE

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()

        async def exact(request: Request) -> Response:
            exactly = ExactRequest(request.scope, request.receive)
            if self.body_field is not None and not is_json(request) and await exactly.body():
                raise not_json(self.not_json, request)
            return await answer(exactly)

        return exact


def is_json(request: Request) -> bool:
    """Say whether a request says that its body is JSON."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == JSON or (kind.startswith("application/") and kind.endswith("+json"))


def not_json(kind: ProblemKind, request: Request, also: str = "") -> ApiError:
    """Tell what the header must say; also: another kind of body that would do."""
    sent = request.headers.get("content-type", "")
    said = f"Content-Type is {shown(sent)}" if sent else "There is no Content-Type"
    needed = f"{JSON} or {also}" if also else JSON
    detail = f"{said}: send the body with `Content-Type: {needed}`"
    return ApiError(kind, detail, details={"allowed": needed, "sent": shown(sent)})


def read_json(body: bytes | str) -> Any:
    """Decode JSON, numbers as Digits; NaN and Infinity too, so that the field that has them can be named."""
    try:
        return json.loads(body, parse_float=Digits, parse_int=Digits, parse_constant=Digits)
    except json.JSONDecodeError:
        raise
    except UnicodeDecodeError as error:
        raise json.JSONDecodeError("not UTF-8", "", error.start) from error
    except RecursionError as error:
        raise json.JSONDecodeError("nested too deeply", "", 0) from error


def digits(value: object) -> str:
    """Give a number's digits, from a JSON number or string."""
    if isinstance(value, Decimal):
        value = str(value)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise FieldWrong("must be a number or a string of digits")
    if len(value) > _LENGTH_MAX:
        raise FieldWrong(f"has {len(value)} digits, and must have at most {_LENGTH_MAX}", digits_max=_LENGTH_MAX)
    if not _DIGITS.fullmatch(value):
        raise FieldWrong(f"{value!r} is not a decimal number")
    return value


def units_of(pointer: str, text: str, exponent: int) -> int:
    """Give a field's digits in the ledger's unit, or refuse the field as malformed."""
    try:
        return parse(text, exponent)
    except NotRepresentable as error:
        raise malformed(pointer, str(error)) from error


def ticks_of(pointer: str, text: str, exponent: int) -> int:
    """Give a price's digits in ticks, or refuse the field: no price is below one tick or above the highest there is."""
    ticks = units_of(pointer, text, exponent)
    if not 0 < ticks <= PRICE_MAX:
        lowest, highest = render(1, exponent), render(PRICE_MAX, exponent)
        message = f"is {shown(text)}, and must be {lowest} to {highest}"
        raise malformed(pointer, message, minimum=lowest, maximum=highest, sent=shown(text))
    return ticks


def _whole(value: object) -> int:
    return parse(digits(value), 0)


def _text(value: object) -> object:
    if isinstance(value, Digits):
        raise FieldWrong("must be a string")
    if isinstance(value, str) and not is_text(value):
        raise FieldWrong("has a character that is none")
    return value


def is_text(value: str) -> bool:
    """Say whether each character is one, so that it can be stored."""
    return not any(character == "\0" or "\ud800" <= character <= "\udfff" for character in value)


def _schema(description: str, example: str) -> WithJsonSchema:
    return WithJsonSchema(
        {
            "anyOf": [{"type": "string", "format": "decimal", "pattern": f"^{_DIGITS.pattern}$"}, {"type": "number"}],
            "description": description,
            "examples": [example],
        }
    )


# A price or quantity: how many places it may have is known once its instrument is.
Number = Annotated[str, BeforeValidator(digits), _schema("decimal digits", "50000.1")]
Money = Annotated[
    int, BeforeValidator(lambda value: parse(digits(value), MONEY_EXPONENT)), _schema("USDC, six places", "100.50")
]
Leverage = Annotated[
    int, BeforeValidator(lambda value: parse(digits(value), LEVERAGE_EXPONENT)), _schema("1 to 100, two places", "10")
]
Rate = Annotated[
    int,
    BeforeValidator(lambda value: parse(digits(value), RATE_EXPONENT)),
    _schema("fraction of one, six places", "0.005"),
]
Whole = Annotated[int, BeforeValidator(_whole), WithJsonSchema({"type": "integer"})]
# A JSON number is no text, although its digits arrive as a string.
Text = Annotated[str, BeforeValidator(_text)]
