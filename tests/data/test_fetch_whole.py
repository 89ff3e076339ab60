"""A mirror that is fetched again is the old one or the new one whenever the process dies; the user's files stay."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seq2seq import recipe
from seq2seq.data import sources
from seq2seq.data.corpus import Corpus
from seq2seq.data.documents import DocumentKind, Documents
from seq2seq.data.fetch import fetch, write
from seq2seq.data.pairs import PairKind, PairSource
from seq2seq.errors import DataError
from seq2seq.storage import folders
from seq2seq.storage.folders import replacing_folder
from tests.support.samples import text
from tests.support.users import another_user, open_to_all

DATA = PairKind(recipe.Data(corpus="tiny"))
TALES = DocumentKind(recipe.Data(corpus="tiny"))
OWN = {"notes.md": "mine", "test.refs.jsonl": '{"fr": "old", "refs": ["ancient"]}\n', "more/deep/list": "mine too"}
# Raised by what a process is about to do; the last one before two folders change places.
CHANGES = {"os.rename", "os.link", "os.rmdir", "shutil.rmtree", "ctypes.dlsym"}
posix = pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")


def of_pairs(word: str) -> Corpus:
    one = text([(word, word)] * 3)
    return Corpus("tiny", "hub", (one,), one, one)


def of_text(word: str, documents: int = 1) -> Corpus[Documents]:
    one = Documents("made", lambda: iter([word] * documents), lambda: "")
    return Corpus("tiny", "hub", (one,), one, one)


def files_of(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of corpora, and files of the user in that of the corpus."""
    monkeypatch.setenv("SEQX_DATA", str(tmp_path / "mirror"))
    for name, contents in OWN.items():
        path = tmp_path / "mirror" / "tiny" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(contents)
    return tmp_path / "mirror"


def dies_at(number: int, work: Callable[[], object]) -> bool:
    """Whether a process of its own that does the work was killed at its change of that number, from 1, to files."""
    process = os.fork()
    if not process:
        left = number

        def count(event: str, arguments: tuple[Any, ...]) -> None:
            nonlocal left
            if event in CHANGES:
                left -= 1
                if not left:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        try:
            work()
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(process, 0)[1])


@posix
@pytest.mark.parametrize("at_once", [True, False])
def test_a_mirror_is_the_old_or_the_new_one_whenever_it_is_looked_at(
    mirror: Path, monkeypatch: pytest.MonkeyPatch, at_once: bool
) -> None:
    if not at_once:
        monkeypatch.setattr(folders, "exchanged", lambda one, other: False)
    write(of_pairs("old"), DATA, mirror)
    moments, seen = 0, set()
    while dies_at(moments + 1, lambda: write(of_pairs("new"), DATA, mirror)):
        moments += 1
        corpus = sources.find(DATA)
        assert corpus is not None
        words = {word for part in (*corpus.train, corpus.dev, corpus.test) for pair in part.read() for word in pair}
        seen |= words
        assert len(words) == 1
        assert corpus.test.references == {"old": ["ancient"]}
        if at_once:
            found = files_of(mirror / "tiny")
            assert OWN.items() <= found.items() and len(found) == len(OWN) + 6
        write(of_pairs("old"), DATA, mirror)
        assert [path.name for path in mirror.iterdir()] == ["tiny"]
    assert moments > 5 and seen == {"old", "new"}
    write(of_pairs("new"), DATA, mirror)
    found = files_of(mirror / "tiny")
    assert OWN.items() <= found.items()
    assert {found[name] for name in found.keys() - OWN.keys()} == {"new\n" * 3}


@posix
def test_running_text_changes_its_form_whole(mirror: Path) -> None:
    write(of_text("old"), TALES, mirror)
    moments = 0
    while dies_at(moments + 1, lambda: write(of_text("new", documents=2), TALES, mirror)):
        moments += 1
        corpus = sources.find(TALES)
        assert corpus is not None
        read = [list(part.read()) for part in (*corpus.train, corpus.dev, corpus.test)]
        assert read in ([["old"]] * 3, [["new", "new"]] * 3)
        write(of_text("old"), TALES, mirror)
    assert moments > 5
    write(of_text("new", documents=2), TALES, mirror)
    assert files_of(mirror / "tiny").keys() == {*OWN, "train.jsonl", "dev.jsonl", "test.jsonl"}


def test_what_earlier_versions_and_killed_processes_left_goes(mirror: Path) -> None:
    (mirror / "tiny" / ".train.fr.abcd_123.partial").touch()
    (mirror / ".tiny.abcd_123.partial").mkdir()
    write(of_pairs("new"), DATA, mirror)
    assert not list(mirror.rglob("*.partial"))


def test_a_folder_that_another_process_is_filling_stays(tmp_path: Path) -> None:
    with replacing_folder(tmp_path / "tiny", lambda name: True) as one:
        with replacing_folder(tmp_path / "tiny", lambda name: True) as other:
            (other / "file").touch()
        (one / "more").touch()
    assert sorted(path.name for path in (tmp_path / "tiny").iterdir()) == ["file", "more"]
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]


def test_modes_and_links_stay(mirror: Path, tmp_path: Path) -> None:
    write(of_pairs("old"), DATA, mirror)
    (mirror / "tiny" / "train.fr").chmod(0o640)
    (mirror / "tiny" / "latest").symlink_to("train.fr")
    (mirror / "tiny").chmod(0o750)
    (mirror / "tiny").rename(tmp_path / "elsewhere")
    (mirror / "tiny").symlink_to(tmp_path / "elsewhere")
    write(of_pairs("new"), DATA, mirror)
    assert (mirror / "tiny").is_symlink()
    folder = tmp_path / "elsewhere"
    assert [oct(path.stat().st_mode)[-3:] for path in (folder, folder / "train.fr")] == ["750", "640"]
    assert (folder / "latest").readlink() == Path("train.fr") and (folder / "latest").read_text() == "new\n" * 3


def test_a_side_is_not_parted_from_its_translation(mirror: Path) -> None:
    write(of_pairs("old"), DATA, mirror)
    german = PairKind(recipe.Data(corpus="tiny", source="de", target="en"))
    before = files_of(mirror / "tiny")
    with pytest.raises(DataError, match=r"holds en and fr, line for line.*another train\.en would replace.*--to"):
        write(of_pairs("new"), german, mirror)
    assert files_of(mirror / "tiny") == before
    write(of_pairs("old"), german, mirror)  # the same English
    assert files_of(mirror / "tiny").items() >= before.items()


def test_what_cannot_be_written_is_known_before_anything_is_fetched() -> None:
    hub = recipe.Hub(path="nowhere/at-all")
    with open_to_all() as folder:
        (folder / "sealed").mkdir(mode=0o555)
        for kind in (
            PairKind(DATA.data.model_copy(update={"hub": hub})),
            DocumentKind(TALES.data.model_copy(update={"hub": hub})),
        ):
            with another_user(), pytest.raises(DataError, match=r"cannot write .*/tiny: Permission denied; free some"):
                fetch(kind, folder / "sealed" / "mirror")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="may not mount")
def test_a_mount_point_is_refused_before_anything_is_fetched(mirror: Path, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    if subprocess.run(["mount", "--bind", tmp_path / "disk", mirror / "tiny"], capture_output=True).returncode:
        pytest.skip("may not mount")
    try:
        with pytest.raises(DataError, match="busy"):
            fetch(PairKind(DATA.data.model_copy(update={"hub": recipe.Hub(path="nowhere/at-all")})), mirror)
    finally:
        subprocess.run(["umount", mirror / "tiny"], check=True)


def test_a_broken_transfer_leaves_nothing_behind(mirror: Path) -> None:
    def broken() -> Any:
        yield "un", "one"
        raise DataError("gone")

    write(of_pairs("old"), DATA, mirror)
    before = files_of(mirror)
    good = text([("a", "b")])
    with pytest.raises(DataError, match="gone"):
        write(Corpus("tiny", "hub", (good,), good, PairSource("b", broken, lambda: "")), DATA, mirror)
    assert files_of(mirror) == before and [path.name for path in mirror.iterdir()] == ["tiny"]
