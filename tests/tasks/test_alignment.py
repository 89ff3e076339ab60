"""Alignments of finished runs: from which map they are read, that it is kept, and lines of any kind."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from seq2seq import device
from seq2seq.decoding.alignment import words
from seq2seq.evaluation import judge as judging
from seq2seq.run import Run
from seq2seq.tasks.alignment import Aligner
from tests.support import finished_translators, tiny

CPU = device.choose("cpu", "float32").numerics


def aligner(run: Run, **options: Any) -> tuple[Aligner, list[str]]:
    said: list[str] = []
    return Aligner(run, CPU, say=said.append, **options), said


def with_test_set(run: Run) -> Run:
    rows = [{"source": source, "references": [target]} for source, target in finished_translators.SENTENCES * 3]
    (run.path / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return run


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory, trained: Path) -> Run:
    """A translator that was trained, with a test set of two hundred pairs: word for word, so that all is known."""
    run = Run(Path(shutil.copytree(trained, tmp_path_factory.mktemp("learnt") / "run")))
    rows = [{"source": source, "references": [target]} for source, target in tiny.pairs(200, 9)]
    (run.path / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    run.update(lambda record: {**record, "files": {}})
    return run


def test_the_map_that_agrees_best_with_word_counts_is_chosen_once(learnt: Run) -> None:
    first, said = aligner(learnt)
    assert len(said) == 1 and 0 < (first.chosen.agreement or 0) <= 1
    again, quiet = aligner(learnt)
    assert again.chosen == first.chosen and not quiet
    kept = learnt.record()["alignment"]
    assert {key: kept[key] for key in ("layer", "head", "agreement")} == first.chosen._asdict()
    pairs = tiny.pairs(20, 4)
    assert again.align(pairs) == first.align(pairs)


def test_other_weights_are_looked_at_anew(learnt: Run) -> None:
    aligner(learnt)
    learnt.update(lambda record: {**record, "alignment": {**record["alignment"], "weights": "others"}})
    assert aligner(learnt)[1] and not aligner(learnt)[1]


@pytest.mark.parametrize("kept", [{"layer": 9}, {"head": "x"}, {"agreement": None}, {"layer": -1}, "nonsense", None])
def test_a_choice_that_cannot_be_is_made_again(tmp_path: Path, kept: Any) -> None:
    run = with_test_set(finished_translators.finished(tmp_path))
    right = aligner(run)[0].chosen
    whole = run.record()["alignment"]
    run.note(alignment={**whole, **kept} if isinstance(kept, dict) else kept)
    made, said = aligner(run)
    assert said and made.chosen == right


@pytest.mark.parametrize("changes", [{}, {"architecture": "decoder-only"}, {"positions": "rotary", "norm": "pre"}])
def test_every_word_of_a_translation_has_a_link_whatever_the_model(tmp_path: Path, changes: dict[str, Any]) -> None:
    made, _ = aligner(with_test_set(finished_translators.finished(tmp_path, **changes)))
    pairs = [("to be or not", "why not"), ("abc", "one two three four"), ("a b c d e", "x")]
    for (source, target), links in zip(pairs, made.align(pairs), strict=True):
        assert links == sorted({*links})
        assert {place for _, place in links} == {*range(len(words(target)))}
        assert all(0 <= place < len(words(source)) for place, _ in links)
    assert made.align([pairs[1]]) == made.align(pairs)[1:2]  # the others of a batch do not matter


def test_without_a_test_set_the_mean_of_all_is_read(tmp_path: Path) -> None:
    run = finished_translators.finished(tmp_path)
    made, said = aligner(run)
    assert made.chosen[:3] == (None, None, None) and not said and "alignment" not in run.record()
    assert made.align([("abc", "x")]) == [[(0, 0)]]


def test_lines_that_the_model_does_not_read_are_aligned_too(tmp_path: Path) -> None:
    made, _ = aligner(finished_translators.finished(tmp_path))
    assert made.align([("", ""), ("12:30 - 4", "12:30 - 4"), ("abc", ""), ("a " * 90, "x")]) == [
        *([], [(0, 0), (1, 1), (2, 2)], [], [])
    ]


def test_sentences_of_a_line_are_aligned_by_themselves(tmp_path: Path) -> None:
    run = finished_translators.finished(tmp_path, alphabet="abcdefghijklmnopqrstuvwxyz .ABCDE")
    split, _ = aligner(run, sentences="split")
    one, other = ("Abc de.", "Be so."), ("Cd ab e.", "Ab e.")
    (together,) = split.align([(f"{one[0]} {other[0]}", f"{one[1]} {other[1]}")])
    first, second = split.align([one, other])
    assert together == [*first, *((source + 2, target + 2) for source, target in second)]


def test_a_folder_that_cannot_be_written_to_is_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = with_test_set(finished_translators.finished(tmp_path))
    assert judging.read_set(run)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("seq2seq.run.folder.write_json", refuse)
    made, said = aligner(run)
    assert said and made.align([("abc", "x")]) and "alignment" not in run.record()
