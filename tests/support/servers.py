"""A server in a thread of this process, on a free port of 127.0.0.1."""

from __future__ import annotations

import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from seq2seq import tasks
from seq2seq.serving.metrics import Metrics
from seq2seq.serving.models import open_models
from seq2seq.serving.settings import ServerSettings
from seq2seq.tasks.opening import EngineChoice


@dataclass(frozen=True)
class Served:
    """A server that runs."""

    url: str
    port: int


@contextmanager
def serving(*runs: Path, settings: ServerSettings | None = None, port: int = 0) -> Iterator[Served]:
    """Serve finished runs until the end of the context."""
    import uvicorn

    from seq2seq.serving.app import create_app

    settings, metrics = settings or ServerSettings(), Metrics()
    models = open_models([tasks.open_run(run, "serve") for run in runs], EngineChoice(), settings, metrics)
    listener = socket.create_server(("127.0.0.1", port), backlog=2048)
    config = uvicorn.Config(create_app(models, settings, metrics), log_level="error", lifespan="on")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = listener.getsockname()[1]
    try:
        yield Served(f"http://127.0.0.1:{port}", port)
    finally:
        server.should_exit = True
        thread.join()


def named(run: Path, folder: Path, name: str) -> Path:
    """A copy of a run under another name: a server knows runs by their names."""
    return Path(shutil.copytree(run, folder / name))
