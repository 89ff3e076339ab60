"""`seqx serve`."""

from __future__ import annotations

import logging
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from typer import Option

from . import options
from .printing import note, report
from .stopping import handled

_BACKLOG = 2048  # connections that wait to be accepted
_DRAIN = 30  # seconds for requests to end after SIGTERM
_DESCRIPTORS = 65_536  # open files, a connection each


def serve(
    *,
    run_folders: Annotated[
        list[Path] | None,
        Option("--run", "-r", metavar="RUN", help="A run folder or a pack; several may be given. Default: the newest."),
    ] = None,
    host: Annotated[str, Option(help="Address to listen on; 0.0.0.0 accepts other machines.")] = "127.0.0.1",
    port: Annotated[int, Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 8000,
    api_keys: Annotated[
        Path | None, Option(metavar="FILE", help="API keys, one per line: each request must have one of them.")
    ] = None,
    max_characters: Annotated[int, Option(min=1, help="Maximum characters of a request.")] = 20_000,
    max_tokens: Annotated[int, Option(min=1, help="Maximum tokens generated for a request.")] = 2_000,
    max_waiting: Annotated[int, Option(min=1, help="Lines that may wait; more are answered by 503.")] = 2_000,
    timeout: Annotated[float, Option(min=0.1, help="Seconds for a request to arrive, and for its answer.")] = 60.0,
    per_minute: Annotated[int, Option(min=0, help="Requests of one client per minute; 0 = any number.")] = 0,
    allow_origin: Annotated[
        list[str] | None, Option(metavar="URL", help="A site whose pages may send requests (CORS); may be repeated.")
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        Option(metavar="NAME", help="A name by which clients may call this server, beside localhost; may be repeated."),
    ] = None,
    ratings: Annotated[
        Path | None, Option(metavar="FILE.jsonl", help="File that choices between two answers are added to.")
    ] = None,
    log_requests: Annotated[bool, Option("--log-requests", help="Log each request, without its text.")] = False,
    engine: options.EngineOptions,
) -> None:
    """Serve runs over HTTP: a page for people at /, and the contracts of LibreTranslate, DeepL and OpenAI for programs.

    Requests that arrive together are computed together. Only this machine is answered unless --host says otherwise.
    """
    if ratings is not None and (ratings.suffix != ".jsonl" or ratings.is_dir()):
        options.usage_error(f"--ratings {ratings}: comparisons are written as .jsonl; name such a file")
    try:
        import uvicorn

        from seq2seq.serving.app import create_app
    except ImportError as error:
        options.usage_error(f"serving needs more packages ({error.name} is missing): pip install 'seqx[serve]'")
    from seq2seq.serving.metrics import Metrics
    from seq2seq.serving.models import open_models
    from seq2seq.serving.settings import ServerSettings

    settings = ServerSettings(
        characters=max_characters,
        body=max(ServerSettings.body, 8 * max_characters),
        tokens=max_tokens,
        waiting=max_waiting,
        seconds=timeout,
        per_minute=per_minute,
        keys=_keys(api_keys),
        origins=tuple(allow_origin or ()),
        hosts=_names(host, allow_host or ()),
        ratings=ratings,
    )
    folders: Sequence[Path | None] = run_folders or (None,)
    runs = [options.open_run(folder, "serve") for folder in folders]
    metrics = Metrics()
    models = open_models(runs, engine.choice(), settings, metrics)
    for model in models.all:
        report(f"{model.name}: {model.engine}")
    if not _is_local(host) and not settings.keys:
        note(f"NOTE: whoever reaches {host} can use this server; --api-keys FILE asks for a key")
    _raise_descriptors()
    with _listening(host, port) as listener, handled(lambda number, frame: None):  # uvicorn ends by signals itself
        config = uvicorn.Config(
            create_app(models, settings, metrics),
            log_level="info" if log_requests else "warning",
            access_log=log_requests,
            timeout_graceful_shutdown=_DRAIN,
            server_header=False,
        )
        logging.getLogger("uvicorn.access").addFilter(_without_query)
        report(f"Serving at {_url(listener)} (Ctrl-C ends)")
        uvicorn.Server(config).run(sockets=[listener])


def _listening(host: str, port: int) -> socket.socket:
    """A socket that listens. Usage error where that is not possible."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        options.usage_error(f"--host {host} --port {port}: {error.strerror or error}; name others")


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


def _names(host: str, given: Sequence[str]) -> tuple[str, ...]:
    """Names by which clients call a server that listens on an address. One that other machines reach may have any if
    none is given; another has its own alone, so that no page of another site gets answers by a name that it lets point
    here."""
    return (*given, "localhost", "127.0.0.1", "[::1]") if given or _is_local(host) else ("*",)


def _is_local(host: str) -> bool:
    return host in ("127.0.0.1", "::1", "localhost")


def _keys(path: Path | None) -> tuple[str, ...]:
    """The API keys of a file. Raises DataError where it has none."""
    if path is None:
        return ()
    from seq2seq.data.lines import read_lines
    from seq2seq.errors import DataError

    keys = tuple(key for line in read_lines(path) if (key := line.strip()))
    if not keys:
        raise DataError(f"--api-keys {path}: no key in it; write one per line")
    return keys


def _without_query(record: logging.LogRecord) -> bool:
    """Take from a line of the access log what follows the path: a client may have put its text or its key there."""
    if isinstance(record.args, tuple):
        record.args = tuple(part.partition("?")[0] if isinstance(part, str) else part for part in record.args)
    return True


def _raise_descriptors() -> None:
    """Let this process have as many connections as the system allows."""
    try:
        import resource
    except ImportError:  # on Windows
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _DESCRIPTORS)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))
