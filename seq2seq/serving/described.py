"""The OpenAPI description of routes that read their bodies themselves."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


def takes(model: type[BaseModel], *kinds: str) -> dict[str, Any]:
    """The part of a route's description that says what its body is: JSON, and forms of some kinds."""
    schema = model.model_json_schema()
    content = {kind: {"schema": schema} for kind in ("application/json", *kinds)}
    return {"requestBody": {"required": True, "content": content}}


def refuses(error: dict[str, Any]) -> dict[int | str, dict[str, Any]]:
    """The responses of requests that are refused; `error` is the schema of their bodies."""
    why = {
        400: "the request cannot be answered as it is",
        403: "the API key is missing or wrong",
        408: "the request did not arrive in time",
        413: "the request is too large",
        429: "too many requests",
        503: "too much work waits, or the answer took too long: try again after Retry-After seconds",
    }
    return {
        status: {"description": text, "content": {"application/json": {"schema": error}}}
        for status, text in why.items()
    }
