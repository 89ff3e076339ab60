"""Requests that are refused, and how each contract writes that."""

from __future__ import annotations

import logging
from typing import Any

from seq2seq.errors import RunError, SeqxError

_log = logging.getLogger("seqx.serving")

_OPENAI_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


class Refused(SeqxError):
    """A request that is not answered: the HTTP status, why, and after how many seconds to try again."""

    def __init__(self, status: int, message: str, *, again: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.again = again


def busy(message: str = "too many requests wait: try again later") -> Refused:
    """The refusal of a server that has no place for more work."""
    return Refused(503, message, again=1)


def body(path: str, status: int, message: str) -> dict[str, Any]:
    """The JSON of an error, as the contract of a path has it: OpenAI's under /v1, DeepL's under /v2, LibreTranslate's
    elsewhere."""
    if path.startswith("/v1/"):
        kind = _OPENAI_TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
        return {"error": {"message": message, "type": kind, "param": None, "code": None}}
    if path.startswith("/v2/"):
        return {"message": message}
    return {"error": message}


def of_error(error: SeqxError | OSError) -> Refused:
    """An error as a refusal: what a request says is wrong, or a file of the server cannot be used any more."""
    if isinstance(error, Refused):
        return error
    if not isinstance(error, RunError | OSError):
        return Refused(400, str(error))
    _log.warning(error)  # which may name files: no client's business
    return busy("a file that this needs cannot be used now; the server's log says why")
