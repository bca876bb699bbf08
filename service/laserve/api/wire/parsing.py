"""Parsing a body where FastAPI does not."""

from typing import Any, TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

Schema = TypeVar("Schema", bound=BaseModel)


def parsed(schema: type[Schema], body: Any) -> Schema:
    """`body` as `schema`. Raises RequestValidationError, as FastAPI does for what it parses."""
    try:
        return schema.model_validate(body)
    except ValidationError as error:
        faults = [{**fault, "loc": ("body", *fault["loc"])} for fault in error.errors()]
        raise RequestValidationError(faults) from error
