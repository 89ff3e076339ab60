"""LibreTranslate beside `seqx serve`, each with the same weights: many clients that send one sentence each, in turns.

    python -m tests.benchmarks.libretranslate --run runs/fr-en-general --input test.fr [--clients 32]

The run's int8 copy and its tokenizer become a package of Argos Translate, which LibreTranslate serves in a virtual
environment of its own, made on demand under --environments; nothing is downloaded but Python packages. Each request is
one sentence, so that its splitter of sentences, which would fetch a model, is left out: that can only favour it. Its
beam is its own (4); it has as many threads as there are clients, and as many translators as there are cores.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import statistics
import subprocess
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from seq2seq import limits
from seq2seq.data.languages import english_name
from seq2seq.interop.ctranslate2 import copy as copies
from tests.benchmarks.peers.environments import python
from tests.benchmarks.peers.roster import Peer
from tests.benchmarks.serving import first_lines, load, options, served

PEER = Peer("libretranslate", "", "libretranslate", ("libretranslate==1.9.6",))
_SECONDS = 300  # for a server to start
_INSTALL = (
    "import pathlib, sys; from argostranslate import package; package.install_from_path(pathlib.Path(sys.argv[1]))"
)
_SERVE = """
import logging
from argostranslate import sbd
logging.getLogger("argostranslate.utils").setLevel(logging.WARNING)  # not every sentence
sbd.MiniSBDSentencizer.split_sentences = lambda self, text: [text]
from libretranslate.main import main
main()
"""


def package(run: Path, path: Path) -> tuple[str, str]:
    """Write the int8 copy of a run as a package of Argos Translate -> its languages. Raises ValueError where the run
    has no such copy, or no joint SentencePiece tokenizer."""
    copy = copies.read(run)
    tokenizer = run / "tokenizer.model"
    if copy is None or not copy.has("int8") or not tokenizer.is_file():
        raise ValueError(
            f"{run} needs an int8 copy and one tokenizer.model: train it with a joint vocabulary, export it"
        )
    source, target = copy.settings.source, copy.settings.target
    about = {
        "package_version": "1.0",
        "argos_version": "1.9",
        "from_code": source,
        "from_name": english_name(source),
        "to_code": target,
        "to_name": english_name(target),
    }
    name = f"translate-{source}_{target}-1_0"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}/metadata.json", json.dumps(about))
        archive.write(tokenizer, f"{name}/sentencepiece.model")
        for file in sorted(copy.model("int8").iterdir()):
            archive.write(file, f"{name}/model/{file.name}")
    return source, target


@contextmanager
def peer(run: Path, folder: Path, clients: int) -> Iterator[str]:
    """The address of LibreTranslate, which serves the weights of a run until the end of the context. Raises
    NotInstalled, and RuntimeError where it does not start."""
    folder.mkdir(parents=True, exist_ok=True)
    interpreter = python(PEER, folder)
    home = folder / "libretranslate-home"
    packed = home / "run.argosmodel"
    home.mkdir(exist_ok=True)
    source, target = package(run, packed)
    environment = {
        **{name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        "HOME": str(home),
        "XDG_DATA_HOME": str(home / "data"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "ARGOS_PACKAGES_DIR": str(home / "packages"),
        "ARGOS_PACKAGE_INDEX": "http://127.0.0.1:9/",  # nobody there: no model is fetched
        "ARGOS_DEVICE_TYPE": "cpu",
        "ARGOS_COMPUTE_TYPE": "int8",
        "ARGOS_INTER_THREADS": str(limits.threads()),
        "ARGOS_INTRA_THREADS": "1",
    }
    subprocess.run([interpreter, "-c", _INSTALL, packed], env=environment, cwd=home, check=True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [interpreter, "-c", _SERVE, "--host", "127.0.0.1", "--port", str(port), "--threads", str(clients)]
    command += ["--disable-files-translation", "--load-only", f"{source},{target}"]
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, cwd=home, stdout=log, stderr=log)
        try:
            _wait(process, f"http://127.0.0.1:{port}", home / "log")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait()


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    until = time.monotonic() + _SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            if httpx.get(f"{url}/languages").json():
                return
        except (httpx.HTTPError, ValueError):
            time.sleep(1)
    raise RuntimeError(f"LibreTranslate does not serve: {log.read_text(encoding='utf-8', errors='replace')[-500:]}")


def main() -> None:
    parser = options(__doc__, lines=1000)
    parser.add_argument("--environments", type=Path, default=Path.home() / ".cache" / "seqx-benchmarks")
    given = parser.parse_args()
    lines = first_lines(given.input, given.lines)
    with peer(given.run, given.environments.resolve(), given.clients) as theirs:
        process, ours, _ = served(given.run)
        try:
            ratios = []
            for turn in range(given.turns + 1):  # the first does not count
                own, other = (len(lines) / asyncio.run(load(url, lines, given.clients))[0] for url in (ours, theirs))
                if turn:
                    ratios.append(own / other)
                    print(f"turn {turn}: {own:.1f} lines/s, LibreTranslate {other:.1f}: {own / other:.2f} times")
            print(f"median {statistics.median(ratios):.2f} times; {given.clients} clients, {len(lines)} lines a turn")
        finally:
            process.terminate()
            process.wait()


if __name__ == "__main__":
    main()
