"""`seqx pack`: a run in one file, which every --run opens."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import pytest

import seq2seq
from seq2seq.run import Run
from tests.support import tiny
from tests.support.bad_input import check, snapshot
from tests.support.command import Seqx, heavy_imports

LINES = b"un chat rouge\ndeux chiens\n\nquatre\n"


@pytest.fixture
def packed(seqx: Seqx, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pack of the tiny translator, and a fresh cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    done = seqx("pack", "--run", trained, "--to", "fr-en.seqx", "--licence", "CC-BY-4.0")
    assert done.code == 0 and "Written: fr-en.seqx" in done.err, done.err
    return Path("fr-en.seqx")


def test_a_pack_translates_as_its_run_does(seqx: Seqx, packed: Path, trained: Path) -> None:
    precision = json.loads((trained / "run.json").read_text())["ctranslate2"]["precision"]
    own = seqx("translate", "--run", trained, "--precision", precision, stdin=LINES)
    done = seqx("translate", "--run", packed, stdin=LINES)
    assert done.code == 0 and done.out == own.out, done.err
    assert seqx("translate", "un chat", "--run", packed).code == 0
    assert (
        seqx("score", "--run", packed, "--source-file", _text("a", "un"), "--target-file", _text("b", "one")).code == 0
    )


def _text(name: str, line: str) -> Path:
    Path(name).write_text(line + "\n")
    return Path(name)


def test_the_library_opens_it(packed: Path, trained: Path) -> None:
    with_run = seq2seq.load(trained, precision=_precision(trained))
    assert isinstance(with_run, seq2seq.Translator)
    opened = seq2seq.load(packed)
    assert isinstance(opened, seq2seq.Translator)
    assert opened.translate(["un chat", "deux"]) == with_run.translate(["un chat", "deux"])


def _precision(run: Path) -> str:
    return str(json.loads((run / "run.json").read_text())["ctranslate2"]["precision"])


def test_it_is_unpacked_once_and_found_again_by_its_checksum(seqx: Seqx, packed: Path, tmp_path: Path) -> None:
    assert seqx("translate", "un", "--run", packed).code == 0
    (place,) = (tmp_path / "cache" / "seqx" / "packs").iterdir()
    before = snapshot(place)
    shutil.copy(packed, "other-name.seqx")
    assert seqx("translate", "un", "--run", "other-name.seqx").code == 0
    assert list(place.parent.iterdir()) == [place] and snapshot(place) == before


def test_it_holds_no_text_no_code_and_no_names_of_files(packed: Path, trained: Path) -> None:
    with zipfile.ZipFile(packed) as archive:
        names, contents = archive.namelist(), b"".join(archive.read(name) for name in archive.namelist())
        about = json.loads(archive.read("pack.json"))
    assert about["licence"] == "CC-BY-4.0" and set(about["files"]) == set(names) - {"pack.json"}
    assert "test.jsonl" not in names and "model.safetensors" not in names
    assert str(trained.parent).encode() not in contents
    assert (
        packed.stat().st_size < 2 * (trained / "ctranslate2" / _precision(trained) / "model.bin").stat().st_size + 3e5
    )


def test_the_same_run_gives_the_same_file(seqx: Seqx, packed: Path, trained: Path) -> None:
    assert seqx("pack", "--run", trained, "--to", "again.seqx", "--licence", "CC-BY-4.0").code == 0
    assert Path("again.seqx").read_bytes() == packed.read_bytes()


def test_it_is_shown_with_its_scores_and_its_licence(seqx: Seqx, packed: Path) -> None:
    done = seqx("runs", "show", packed)
    assert done.code == 0 and "CC-BY-4.0" in done.out and "BLEU" in done.out and "finished" in done.out, done.err
    assert seqx("doctor", "--run", packed).code == 0


def test_it_is_judged_on_files_or_on_its_test_set_if_it_has_one(seqx: Seqx, packed: Path, trained: Path) -> None:
    check(seqx("evaluate", "--run", packed, "-q"), 1, "a pack without a test set", "--test-set")
    source, target = (trained.parent / f"test.{suffix}" for suffix in ("fr", "en"))
    done = seqx("evaluate", "--run", packed, "-q", "--source-file", source, "--target-file", target, "--json")
    assert done.code == 0, done.err
    assert seqx("pack", "--run", trained, "--to", "tested.seqx", "--test-set").code == 0
    own = seqx("evaluate", "--run", "tested.seqx", "-q", "--json")
    assert own.code == 0 and json.loads(own.out)["scores"] == json.loads(done.out)["scores"]
    assert seqx("compare", "tested.seqx", trained, "-q").code == 0


def test_what_needs_the_weights_says_so_or_has_them(seqx: Seqx, packed: Path, trained: Path) -> None:
    for command in (
        ["translate", "un", "--engine", "torch"],
        ["export"],
        ["translate", "un", "--precision", "bfloat16"],
    ):
        check(seqx(*command, "--run", packed), 1, "a pack without the float32 weights", "--weights")
    other = "float32" if _precision(trained) == "int8" else "int8"
    check(seqx("translate", "un", "--run", packed, "--precision", other), 1, "leave out --precision")
    assert seqx("pack", "--run", trained, "--to", "whole.seqx", "--weights").code == 0
    own = seqx("translate", "un chat", "--run", trained, "--engine", "torch", "--device", "cpu")
    done = seqx("translate", "un chat", "--run", "whole.seqx", "--engine", "torch", "--device", "cpu")
    assert done.code == 0 and done.out == own.out, done.err


def test_a_pack_with_its_weights_is_a_start(seqx: Seqx, packed: Path, trained: Path, tmp_path: Path) -> None:
    (tmp_path / "ours.tsv").write_text("".join(f"{source}\t{target}\n" for source, target in tiny.pairs(120, 9)))
    few = ("--set", "training.steps=4", "--set", "training.validate_every=2", "--device", "cpu")
    command = ("train", "--recipe", "finetune", "--data", "ours.tsv", *few, "--start")
    check(seqx(*command, packed), 1, "fr-en.seqx has no model.safetensors to start from", "seqx pack --weights")
    assert seqx("pack", "--run", trained, "--to", "whole.seqx", "--weights", "--test-set").code == 0
    check(seqx(*command, "whole.seqx", "--set", "data.replay=0.3"), 1, "does not say what it was trained on")
    done = seqx(*command, "whole.seqx")
    assert done.code == 0 and "Start: " in done.err and "forgetting" in done.out, done.err
    (parent,) = Run(tmp_path / "runs" / "finetune").record()["lineage"]
    assert parent["run"] == str(tmp_path / "whole.seqx")
    assert parent["weights"]["sha256"] == Run(trained).record()["weights"]["sha256"]
    assert "is trained already" in seqx(*command, "whole.seqx").err
    (tmp_path / "broken.seqx").write_bytes(Path("whole.seqx").read_bytes()[:-1])
    check(seqx(*command, "broken.seqx"), 1, "no pack of seqx, or a damaged one")


def test_a_model_of_text_is_packed_too(seqx: Seqx, trained_text: Path) -> None:
    assert seqx("pack", "--run", trained_text, "--to", "verse.seqx").code == 0
    options = ["one", "--temperature", "0", "--max-tokens", "9"]
    done = seqx("generate", *options, "--run", "verse.seqx")
    assert done.code == 0, done.err
    assert done.out == seqx("generate", *options, "--run", trained_text, "--precision", _precision(trained_text)).out
    check(seqx("translate", "un", "--run", "verse.seqx"), 1, "not a translator")


def test_a_run_without_a_copy_is_packed_with_its_weights_if_it_can_have_none(seqx: Seqx, own: Path) -> None:
    shutil.rmtree(own / "ctranslate2")
    check(seqx("pack", "--run", own, "--to", "own.seqx"), 1, "seqx export")
    Run(own).note(ctranslate2={"refused": "CTranslate2 has no such model"})
    assert seqx("pack", "--run", own, "--to", "own.seqx").code == 0
    assert seqx("translate", "un chat", "--run", "own.seqx").code == 0


def test_a_damaged_run_is_not_packed(seqx: Seqx, own: Path) -> None:
    with (own / "ctranslate2" / _precision(own) / "model.bin").open("ab") as file:
        file.write(b"x")
    done = seqx("pack", "--run", own, "--to", "own.seqx")
    check(done, 1, "model.bin")
    assert not Path("own.seqx").exists()


def test_it_opens_without_torch(packed: Path) -> None:
    assert heavy_imports(["translate", "un", "--run", str(packed.absolute())]) == []
