"""The OpenAPI description of routes that read their bodies themselves."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
TEXT = {"type": "string"}
NUMBER = {"type": "number"}
WHOLE = {"type": "integer"}


def rows(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a list."""
    return {"type": "array", "items": schema}


def either(*schemas: dict[str, Any]) -> dict[str, Any]:
    """The schema of what is one of several."""
    return {"anyOf": [*schemas]}


def record(needed: dict[str, Any], **more: dict[str, Any]) -> dict[str, Any]:
    """The schema of an object with some keys, and with others where a request asks for them."""
    return {
        "type": "object",
        "properties": {**needed, **more},
        "required": [*needed],
        "additionalProperties": False,
    }


def gives(schema: dict[str, Any], *also: str) -> dict[int | str, dict[str, Any]]:
    """The response of a request that is answered: JSON, or another type that it may ask for."""
    content: dict[str, Any] = {"application/json": {"schema": schema}, **{kind: {} for kind in also}}
    return {200: {"description": "the answer", "content": content}}


def takes(model: type[BaseModel], *kinds: str, required: bool = True) -> dict[str, Any]:
    """The part of a route's description that says what its body is: JSON, and forms of some kinds."""
    schema = model.model_json_schema()
    content = {kind: {"schema": schema} for kind in ("application/json", *kinds)}
    return {"requestBody": {"required": required, "content": content}}


def refuses(error: dict[str, Any]) -> dict[int | str, dict[str, Any]]:
    """The responses of requests that are refused; `error` is the schema of their bodies."""
    why = {
        400: "the request cannot be answered as it is",
        401: "the API key is missing",
        403: "the API key is missing or wrong",
        404: "there is no such model, file or route",
        405: "the route has other methods",
        408: "the request did not arrive in time",
        413: "the request is too large",
        429: "too many requests",
        503: "too much work waits, or the answer took too long: try again after Retry-After seconds",
    }
    return {
        status: {"description": text, "content": {"application/json": {"schema": error}}}
        for status, text in why.items()
    }
