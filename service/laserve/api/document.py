"""The OpenAPI document lists every status that a route can answer, those of what stands around it
among them (`api.middleware`), and has requests that work."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI

from laserve.api.examples import EXAMPLES
from laserve.api.middleware.administration import READING, is_administrative
from laserve.api.middleware.auth import is_open
from laserve.api.middleware.error_shape import MESSAGES
from laserve.api.middleware.paths import leads_below

_OPERATIONS = (*READING, "POST", "PUT", "DELETE", "PATCH")
_NEVER_ANSWERED = "422"
"""FastAPI lists it; what it stands for is a 400 here."""


def complete_document(app: FastAPI) -> None:
    """Have the document of `app` tell them. Call it before the document is made."""
    plain = app.openapi

    def described() -> dict[str, Any]:
        document = plain()  # made once, and kept by `app`
        for path, operations in document["paths"].items():
            for method in (name for name in operations if name.upper() in _OPERATIONS):
                answers = operations[method]["responses"]
                answers.pop(_NEVER_ANSWERED, None)
                for status in _refusals(path, method.upper()):
                    answers.setdefault(str(status.value), _described(path, status))
        for path, examples in EXAMPLES.items():
            body = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
            body["examples"] = {name: {"value": value} for name, value in examples.items()}
        return document

    app.openapi = described  # type: ignore[method-assign]  # as FastAPI's documentation extends it


def _refusals(path: str, method: str) -> Iterator[HTTPStatus]:
    """What may be answered before the route is reached, or where it fails."""
    yield HTTPStatus.INTERNAL_SERVER_ERROR
    yield HTTPStatus.SERVICE_UNAVAILABLE
    if not is_open(path):
        yield HTTPStatus.UNAUTHORIZED
    if is_administrative(path, method):
        yield HTTPStatus.FORBIDDEN
    if method not in READING:
        yield HTTPStatus.BAD_REQUEST
        yield HTTPStatus.REQUEST_TIMEOUT
        yield HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        yield HTTPStatus.TOO_MANY_REQUESTS


def _described(path: str, status: HTTPStatus) -> dict[str, Any]:
    anthropics = leads_below(path, MESSAGES)
    schema = "AnthropicErrorResponse" if anthropics else "ErrorResponse"
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {"description": status.phrase, "content": content}
