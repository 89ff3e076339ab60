"""Every command that writes a file writes to what is there, and says before the work what it cannot write."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

import seq2seq.data.fetch  # noqa: F401 (not by the other user, who cannot)
from tests.support.bad_input import check
from tests.support.command import Seqx
from tests.support.users import another_user, open_to_all

WRITES = {
    "translate": "translate --run {run} --input {text} --output {out}",
    "score": "score --run {run} --source-file {text} --target-file {text} --output {out}",
    "evaluate": "evaluate --run {run} --source-file {text} --target-file {text} --output {out}",
    "plot": "tokenizer compare {text} --kinds byte --plot {out}.png",
    "drawing": "tokenizer compare {text} --kinds byte --plot {out}.svg",
    "copy": "recipes copy fr-en {out}",
}


@pytest.fixture
def text(tmp_path: Path) -> Path:
    (tmp_path / "text").write_text("un chat\nun chien\n" * 20)
    return tmp_path / "text"


@pytest.mark.parametrize("name", WRITES)
def test_who_reads_a_pipe_gets_what_a_file_holds(seqx: Seqx, own: Path, text: Path, tmp_path: Path, name: str) -> None:
    def command(out: str) -> list[str]:
        return WRITES[name].format(run=own, text=text, out=out).split()

    place, pipe = Path(command("file")[-1]), Path(command("pipe")[-1])
    assert seqx(*command("file")).code == 0
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    done = seqx(*command("pipe"))
    reader.join()
    assert done.code == 0, done.err
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert len(read[0]) == place.stat().st_size if name == "drawing" else read[0] == place.read_bytes()


@pytest.mark.parametrize("name", WRITES)
def test_what_cannot_be_written_is_said_before_the_work(seqx: Seqx, text: Path, name: str) -> None:
    # No run is there: it is not even looked for.
    with open_to_all() as folder:
        (folder / "sealed").mkdir()
        (folder / "sealed").chmod(0o555)
        (folder / "loop.png").symlink_to("loop.png")
        for out, reason in {
            folder / "sealed" / "out": f"{folder}/sealed: Permission denied; name another file",
            folder / "sealed" / "on" / "the" / "way": f"{folder}/sealed: Permission denied; name another file",
            folder / ("x" * 256): "File name too long; name another file",
            folder / "loop.png": "Too many levels of symbolic links; name another file",
        }.items():
            command = WRITES[name].format(run="nowhere", text=text, out=out).replace(".png.png", ".png")
            if ".png.svg" not in command:
                with another_user():
                    check(seqx(*command.split()), 1, "cannot write", str(out)[:80], reason)


def test_a_folder_for_a_plot_or_a_copy_is_a_usage_error(seqx: Seqx, text: Path, tmp_path: Path) -> None:
    (tmp_path / "folder.png").mkdir()
    check(seqx("tokenizer", "compare", text, "--plot", "folder.png"), 2, "--plot folder.png is a folder; name a file")
    check(seqx("recipes", "copy", "fr-en", "folder.png"), 2, "folder.png is a folder; name a file in it")
    check(seqx("recipes", "copy", "fr-en", "text/x"), 2, "text/x: text is a file, not a folder")
    check(seqx("recipes", "copy", "fr-en", "text"), 1, "text exists already")


def test_a_private_file_stays_private(seqx: Seqx, own: Path, text: Path, tmp_path: Path) -> None:
    (tmp_path / "out").touch(0o600)
    (tmp_path / "link").symlink_to("out")
    assert seqx("translate", "--run", own, "--input", text, "--output", "link").code == 0
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o600
    assert (tmp_path / "out").read_text().count("\n") == 40 and (tmp_path / "link").is_symlink()


def test_a_fetched_corpus_that_cannot_be_written_is_said_before_it_is_fetched(seqx: Seqx) -> None:
    with open_to_all() as folder:
        folder.chmod(0o555)
        with another_user():
            done = seqx("data", "get", "fr-en", "--to", folder / "mirror", "--quiet")
    check(done, 1, f"cannot write {folder}/mirror/tatoeba: Permission denied")
