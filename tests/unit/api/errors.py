"""What an error looks like, by the API that it is of."""

from typing import Any

import httpx

ANTHROPICS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    503: "overloaded_error",
}
TYPES = {
    400: "BadRequestError",
    401: "AuthenticationError",
    403: "PermissionDeniedError",
    404: "NotFoundError",
    405: "MethodNotAllowedError",
    413: "RequestEntityTooLargeError",
    429: "RateLimitError",
    500: "InternalServerError",
    503: "ServiceUnavailableError",
}


def error_of(path: str, answer: httpx.Response, status: int) -> dict[str, Any]:
    """The error in an answer, in the form of the path's API."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    error: dict[str, Any] = body["error"]
    if path.startswith("/v1/messages"):
        assert body.keys() == {"type", "error"}
        assert body["type"] == "error"
        assert error.keys() == {"type", "message"}
        assert error["type"] == ANTHROPICS[status]
    else:
        assert body.keys() == {"error"}
        assert error.keys() == {"message", "type", "param", "code"}
        assert error["code"] == status
        assert error["type"] == TYPES[status]
    return error
