"""What a server accepts. No web framework here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ServerSettings:
    """Limits and permissions of a server; a number of 0 in `per_minute` sets no limit."""

    body: int = 2 << 20  # bytes of a request
    characters: int = 20_000  # of a request's texts
    lines: int = 1_000  # of a request's texts
    tokens: int = 2_000  # generated for a request, over all of its texts
    alternatives: int = 10  # for each text
    waiting: int = 2_000  # lines, or texts to generate, that may wait to be computed
    requests: int = 500  # computed or waiting at once
    seconds: float = 60.0  # for a request to arrive, and for its answer to be computed
    per_minute: int = 0  # requests of one client
    files: int = 100  # translated files that are kept for download
    kept: int = 64 << 20  # bytes of these files
    gather: float = 0.004  # seconds that the first request of a batch waits for others
    keys: tuple[str, ...] = ()  # API keys, one of which each request must have; none: no key is needed
    origins: tuple[str, ...] = ()  # of other sites whose pages may send requests (CORS)
    hosts: tuple[str, ...] = ("*",)  # names by which clients may call the server
    ratings: Path | None = None  # file of comparisons that the page's ratings are added to
