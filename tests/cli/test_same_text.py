"""A run goes on with the text that it was begun on, wherever that lies now, and with no other."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from seq2seq.run import Run
from seq2seq.training.loop import Progress
from seq2seq.training.session import Event, Session
from tests.support import tiny
from tests.support.command import LONGER, Done, Seqx

SIDES = ("source", "target")


def corpus(folder: Path) -> dict[str, tuple[Path, Path]]:
    """The files of the tiny corpus, each split's."""
    folder.mkdir(exist_ok=True)
    tiny.arguments(folder)
    return {stem: (folder / f"{stem}.fr", folder / f"{stem}.en") for stem in ("train", "dev", "test")}


def options(files: dict[str, tuple[Path, Path]]) -> list[str]:
    given = []
    for stem, both in files.items():
        for side, path in zip(SIDES, both):
            given += [f"--{'' if stem == 'train' else stem + '-'}{side}-file", str(path)]
    return given


def train(seqx: Seqx, recipe: Path, *given: str, run: str | Path = "own") -> Done:
    return seqx("train", "--recipe", recipe, *given, "--run", run, "--device", "cpu", *LONGER)


def moved(files: dict[str, tuple[Path, Path]], here: Path) -> list[str]:
    return options(corpus(here / "elsewhere"))


def relative(files: dict[str, tuple[Path, Path]], here: Path) -> list[str]:
    corpus(here)
    return options({stem: (Path(source.name), Path(target.name)) for stem, (source, target) in files.items()})


def compressed(files: dict[str, tuple[Path, Path]], here: Path) -> list[str]:
    copied = corpus(here / "compressed")
    for path in copied["train"]:
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
    source, target = copied["train"]
    return options({**copied, "train": (source.with_name("train.fr.gz"), target.with_name("train.en.gz"))})


def one_table(files: dict[str, tuple[Path, Path]], here: Path) -> list[str]:
    rows = zip(*(path.read_text().splitlines() for path in files["train"]))
    (here / "train.tsv").write_text("".join("\t".join(row) + "\n" for row in rows))
    held_out = {stem: both for stem, both in files.items() if stem != "train"}
    return ["--data", str(here / "train.tsv"), *options(held_out)]


SAME = [moved, relative, compressed, one_table]


def without_contents(run: Path) -> None:
    """As a run of an older seqx, which has the checksums of files alone."""
    path = run / "run.json"
    record = json.loads(path.read_text())
    for text in (*record["corpora"]["train"], record["corpora"]["dev"], record["corpora"]["test"]):
        del text["content"]
    path.write_text(json.dumps({key: value for key, value in record.items() if key != "sessions"}))


@pytest.mark.parametrize("form", SAME)
def test_a_finished_run_knows_its_text_in_another_place_and_form(
    seqx: Seqx, own: Path, trained: Path, tmp_path: Path, form: Callable[..., list[str]]
) -> None:
    files = corpus(trained.parent)
    done = train(seqx, trained.parent / "tiny.toml", *form(files, tmp_path))
    assert done.code == 0 and "is trained already" in done.err


@pytest.mark.parametrize("form", SAME)
def test_an_unfinished_one_goes_on_with_it(
    seqx: Seqx, own: Path, trained: Path, tmp_path: Path, form: Callable[..., list[str]]
) -> None:
    (own / "model.safetensors").unlink()
    done = train(seqx, trained.parent / "tiny.toml", *form(corpus(trained.parent), tmp_path))
    assert done.code == 0, done.err
    assert (own / "model.safetensors").read_bytes() == (trained / "model.safetensors").read_bytes()
    assert "NOTE" not in done.err


def test_text_of_the_mirror_is_the_same_as_files(
    seqx: Seqx, own: Path, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus(tmp_path / "nowhere")
    monkeypatch.setenv("SEQX_DATA", str(tmp_path))
    done = train(seqx, trained.parent / "tiny.toml")
    assert done.code == 0 and "is trained already" in done.err, done.err


@pytest.mark.parametrize("older", [False, True], ids=["this seqx", "an older one"])
@pytest.mark.parametrize("finished", [True, False], ids=["finished", "unfinished"])
@pytest.mark.parametrize("stem", ["train", "dev", "test"])
def test_other_text_is_refused_with_the_difference(
    seqx: Seqx, own: Path, trained: Path, tmp_path: Path, stem: str, finished: bool, older: bool
) -> None:
    if older:
        without_contents(own)
    if not finished:
        (own / "model.safetensors").unlink()
    files = corpus(trained.parent)
    others = corpus(tmp_path / "others")
    others[stem][0].write_text(others[stem][0].read_text().replace("chat", "chien"))
    before = (own / "run.json").read_bytes()
    done = train(seqx, trained.parent / "tiny.toml", *options({**files, stem: others[stem]}))
    source, target = others[stem]
    now = f"{stem}: {files[stem][0]}, {files[stem][1]}, now {source}, {target}"
    assert done.code == 1 and f"own was begun on other text ({now}); give the same text, or" in done.err, done.err
    assert (own / "run.json").read_bytes() == before


def test_text_that_is_held_out_is_another_than_files_of_its_own(seqx: Seqx, own: Path, trained: Path) -> None:
    files = corpus(trained.parent)
    del files["test"]
    done = train(seqx, trained.parent / "tiny.toml", *options(files))
    assert done.code == 1 and "begun on other text (train: " in done.err and "; test: " in done.err


def test_a_file_that_changed_is_told(seqx: Seqx, own: Path, tmp_path: Path) -> None:
    files = corpus(tmp_path / "corpus")
    run = tmp_path / "run"
    recipe = tmp_path / "corpus" / "tiny.toml"
    assert seqx("train", "--recipe", recipe, *options(files), "--run", run, "--device", "cpu").code == 0
    files["train"][1].write_text(files["train"][1].read_text().replace("dog", "hound"))
    done = seqx("train", "--recipe", recipe, *options(files), "--run", run, "--device", "cpu")
    assert done.code == 1 and f"other text (train: {files['train'][0]}, {files['train'][1]} changed)" in done.err


def test_a_run_of_an_older_seqx_goes_on(seqx: Seqx, own: Path, trained: Path) -> None:
    without_contents(own)
    (own / "model.safetensors").unlink()
    done = train(seqx, trained.parent / "tiny.toml", *options(corpus(trained.parent)))
    assert done.code == 0, done.err
    assert (own / "model.safetensors").read_bytes() == (trained / "model.safetensors").read_bytes()
    assert "content" in Run(own).record()["corpora"]["dev"]


def test_of_running_text_the_same(seqx: Seqx, trained_text: Path, tmp_path: Path) -> None:
    shutil.copytree(trained_text, tmp_path / "run")
    given, text = tiny.text_arguments(tmp_path), trained_text.parent / "verse.txt"
    for same in (Path(shutil.copy(text, tmp_path / "copied.txt")), Path("verse.txt"), tmp_path / "verse.txt.gz"):
        if same.suffix == ".gz":
            same.write_bytes(gzip.compress(text.read_bytes()))
        done = seqx("train", *given[:2], "--data", same, *given[4:], "--run", "run")
        assert done.code == 0 and "is trained already" in done.err
    (tmp_path / "other.txt").write_text(text.read_text().replace("dog", "cat"))
    done = seqx("train", *given[:2], "--data", tmp_path / "other.txt", *given[4:], "--run", "run")
    assert done.code == 1 and f"other text (train: {text} (train part, dev and test held out), now" in done.err


@pytest.fixture
def during(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Callable[[], Any]], None]]:
    """Has something happen after the first update of a training run."""

    def happens(what: Callable[[], Any]) -> None:
        usual = Session.events

        def events(session: Session, *interrupted: Callable[[], bool]) -> Iterator[Event]:
            for event in usual(session, *interrupted):
                if isinstance(event, Progress) and event.step == 2:
                    what()
                yield event

        monkeypatch.setattr(Session, "events", events)

    yield happens


def test_text_that_is_deleted_meanwhile_is_named_and_the_run_is_judged(
    seqx: Seqx, trained: Path, tmp_path: Path, during: Callable[[Callable[[], Any]], None]
) -> None:
    files = corpus(tmp_path / "corpus")
    given = options(files)
    recipe = shutil.copy(tmp_path / "corpus" / "tiny.toml", tmp_path)
    during(lambda: shutil.rmtree(tmp_path / "corpus"))
    done = train(seqx, Path(recipe), *given)
    assert done.code == 0, done.err
    for split, both in files.items():
        assert f"NOTE: {split}: {both[0]}, {both[1]} cannot be read any more (No such file or directory)" in done.err
    assert "; the CTranslate2 copy is checked on the test set of the run" in done.err
    made, usual = Run(tmp_path / "own").record(), Run(trained).record()
    assert made["scores"]["test"]["scores"] == usual["scores"]["test"]["scores"]
    assert made["ctranslate2"]["sentences"] == 12
    for name in ("model.safetensors", "test.jsonl"):
        assert (tmp_path / "own" / name).read_bytes() == (trained / name).read_bytes()


def test_what_changed_meanwhile_is_said_and_does_not_go_into_the_run(
    seqx: Seqx, trained: Path, tmp_path: Path, during: Callable[[Callable[[], Any]], None]
) -> None:
    files = corpus(tmp_path / "corpus")

    def change() -> None:
        for both in files.values():
            for path in both:
                path.write_text(path.read_text().swapcase())

    during(change)
    done = train(seqx, tmp_path / "corpus" / "tiny.toml", *options(files))
    assert done.code == 0, done.err
    for split, both in files.items():
        assert f"NOTE: {split}: {both[0]}, {both[1]} changed since training began" in done.err
    for name in ("model.safetensors", "test.jsonl"):
        assert (tmp_path / "own" / name).read_bytes() == (trained / name).read_bytes()


def test_what_cannot_be_made_without_the_text_is_named(
    seqx: Seqx, tmp_path: Path, during: Callable[[Callable[[], Any]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEQX_RUNS", str(tmp_path / "runs"))
    files = corpus(tmp_path / "corpus")
    given = options(files)
    recipe = shutil.copy(tmp_path / "corpus" / "tiny.toml", tmp_path)

    def delete() -> None:
        shutil.rmtree(tmp_path / "corpus")
        for cache in tmp_path.rglob(".cache"):
            shutil.rmtree(cache)

    during(delete)
    done = train(seqx, Path(recipe), *given, run=tmp_path / "runs" / "own")
    assert done.code == 0, done.err
    assert "test" in Run(tmp_path / "runs" / "own").record()["scores"]
    assert seqx("translate", "--run", tmp_path / "runs" / "own", "un chat").code == 0


def test_running_text_that_is_deleted_meanwhile(
    seqx: Seqx, tmp_path: Path, during: Callable[[Callable[[], Any]], None]
) -> None:
    given = tiny.text_arguments(tmp_path)
    during((tmp_path / "verse.txt").unlink)
    done = seqx("train", *given, "--run", "run")
    assert done.code == 0, done.err
    assert "NOTE: dev: " in done.err and "cannot be read any more" in done.err
    record = Run(tmp_path / "run").record()
    assert "test" in record["scores"] and "precision" in record["ctranslate2"]
