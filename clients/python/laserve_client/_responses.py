"""From the bytes of a response to a result, or to an error that says what is wrong with it."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from laserve_client._errors import (
    APIError,
    AuthenticationError,
    BadRequestError,
    InvalidResponseError,
    NotFoundError,
    RateLimitedError,
    ServerError,
    UnavailableError,
)

Model = TypeVar("Model", bound=BaseModel)

_SHOWN_CHARACTERS = 200

_ERRORS: dict[int, type[APIError]] = {
    HTTPStatus.UNAUTHORIZED: AuthenticationError,
    HTTPStatus.FORBIDDEN: AuthenticationError,
    HTTPStatus.NOT_FOUND: NotFoundError,
    HTTPStatus.TOO_MANY_REQUESTS: RateLimitedError,
    HTTPStatus.SERVICE_UNAVAILABLE: UnavailableError,
}


def decode(content: bytes | str) -> dict[str, Any]:
    """A JSON object. Raises InvalidResponseError."""
    try:
        body = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise InvalidResponseError(f"the answer is no JSON: {_shown(content)}") from error
    if not isinstance(body, dict):
        raise InvalidResponseError(f"the answer is no JSON object: {_shown(content)}")
    return body


def validate(model: type[Model], body: Mapping[str, Any]) -> Model:
    """`body` as `model`. Raises InvalidResponseError, which names the first field at fault."""
    try:
        return model.model_validate(body)
    except ValidationError as error:
        field, fault = first_fault(error)
        raise InvalidResponseError(
            f"the answer is not what the API says, at {field!r}: {fault}"
        ) from error


def first_fault(error: ValidationError) -> tuple[str, str]:
    """The field that the first mistake is in, `choices.0.message`, and what is wrong there."""
    first = error.errors(include_url=False)[0]
    return ".".join(map(str, first["loc"])), first["msg"]


def api_error(status: int, headers: Mapping[str, str], content: bytes) -> APIError:
    """The error of a response whose status is not 2xx, whatever its body is."""
    try:
        body: Any = json.loads(content)
    except (ValueError, RecursionError):
        body = None
    details = body.get("error") if isinstance(body, dict) else None
    wait = retry_after_s(headers.get("retry-after"), datetime.now(UTC))
    if isinstance(details, dict):
        return error_of(status, details, wait)
    text = details if isinstance(details, str) else _shown(content)
    return error_of(status, {"message": text or _phrase(status)}, wait)


def error_of(
    status: int, details: Mapping[str, Any], retry_after_s: float | None = None
) -> APIError:
    """The error that OpenAI's error object `details` stands for."""
    kind: type[APIError] = APIError
    if status in _ERRORS:
        kind = _ERRORS[status]
    elif 400 <= status < 500:
        kind = BadRequestError
    elif status >= 500:
        kind = ServerError
    message = details.get("message") or _phrase(status)
    return kind(
        str(message), status, _text(details, "type"), _text(details, "param"), retry_after_s
    )


def retry_after_s(value: str | None, now: datetime) -> float | None:
    """Seconds from `now` that a Retry-After header asks to wait: a number or an HTTP date
    (RFC 9110, 10.2.3). None where there is none, or none that can be read."""
    if value is None:
        return None
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]+)?", value.strip()):
        return float(value)
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    # "-0000" gives a naive date, in UTC.
    date = date if date.tzinfo is not None else date.replace(tzinfo=UTC)
    return max(0.0, (date - now).total_seconds())


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "unknown status"


def _text(details: Mapping[str, Any], name: str) -> str | None:
    value = details.get(name)
    return None if value is None else str(value)


def _shown(content: bytes | str) -> str:
    text = content.decode(errors="replace") if isinstance(content, bytes) else content
    text = text.strip()
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."
