"""Each note of the lecture shows what it teaches, fails where it does not, and is as the document says."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from seq2seq.learn import small
from seq2seq.learn.catalogue import NOTES, Note, lesson, named
from seq2seq.learn.lesson import EffectError, Lesson, expect
from seq2seq.learn.pictures import drawn
from seq2seq.model.attention import attend
from seq2seq.model.gpt import Gpt
from seq2seq.model.transformer import Transformer
from tests.support import lecture

# Those without training: the others are slow.
CHEAP = ("tokenizers", "batch", "cross-entropy", "first-loss", "averaging", "graph", "scale")
TRAINED = [note for note in NOTES if note.name not in CHEAP]
LINES, COLUMNS = 5, 80
MOST_OF_A_FUNCTION = 75  # lines, those that draw included

SHARES = {"policy": 1.0}  # by which figures may differ elsewhere: more where much is drawn by chance
USUAL_SHARE = 0.1
OF_THE_MACHINE = ("devices", "policy")  # their times; the course of a policy, which last digits change


@pytest.fixture(autouse=True)
def _bundled_text(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The notes' text is the bundled play, whatever the one who runs the tests has."""
    monkeypatch.delenv("SEQX_DATA", raising=False)
    yield
    small.verse.cache_clear()
    small.trained_gpt.cache_clear()


def as_documented(note: Note, share: float) -> Lesson:
    made = lesson(note)
    assert len(made.lines) == LINES and all(0 < len(line) <= COLUMNS for line in made.lines)
    said = lecture.sections(lecture.PAGE.read_text(encoding="utf-8"))[note.name]
    if note.name in OF_THE_MACHINE:
        return made
    for line, shown in zip((*made.lines, made.correction), (*said.lines, said.correction), strict=True):
        assert lecture.agree(line, shown, share), f"{line}\n{shown}"
    assert drawn(made.figure, "png").startswith(b"\x89PNG")
    return made


@pytest.mark.parametrize("name", CHEAP)
def test_a_note_without_training_shows_what_the_document_says(name: str) -> None:
    as_documented(named(name), USUAL_SHARE)


@pytest.mark.slow
@pytest.mark.parametrize("note", TRAINED, ids=[note.name for note in TRAINED])
def test_a_note_that_trains_shows_what_the_document_says(note: Note) -> None:
    as_documented(note, SHARES.get(note.name, USUAL_SHARE))


@pytest.mark.slow
def test_a_trained_note_is_the_same_each_time_and_on_any_number_of_threads(
    use_threads: Callable[[int], None],
) -> None:
    first = lesson(named("query-key-value"))
    small.trained_gpt.cache_clear()
    use_threads(2)
    assert lesson(named("query-key-value")).lines == first.lines
    assert torch.get_num_threads() == 2


def test_a_note_leaves_the_random_numbers_of_the_process_as_they_were() -> None:
    before = torch.get_rng_state()
    first = lesson(named("graph")).lines
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(5)
    assert lesson(named("graph")).lines == first


# What breaks, and the note that sees it.


def mixing(hidden: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """A model whose rows talk to each other."""
    return lambda *inputs: (states := hidden(*inputs)) + 1e-3 * states.mean(0, keepdim=True)


def unmasked(query: Tensor, key: Tensor, value: Tensor, **_: Any) -> Tensor:
    return attend(query, key, value)


def unscaled(query: Tensor, key: Tensor, value: Tensor, **masks: Any) -> Tensor:
    return attend(query * query.size(-1) ** 0.5, key, value, **masks)


@pytest.mark.parametrize(
    "name, target, broken",
    [
        ("batch", "seq2seq.model.transformer.Transformer.hidden", mixing(Transformer.hidden)),
        ("averaging", "seq2seq.learn.attention.attend", unmasked),
        ("graph", "seq2seq.model.attention.attend", unmasked),
        ("scale", "seq2seq.learn.attention.attend", unscaled),
        ("first-loss", "seq2seq.model.gpt.Gpt.hidden", lambda model, tokens: 300 * Gpt.embed(model, tokens)),
        ("cross-entropy", "seq2seq.learn.inputs.summed_loss", lambda *inputs: (torch.tensor(1.0), torch.tensor(1.0))),
    ],
)
def test_a_note_whose_effect_does_not_show_fails(
    name: str, target: str, broken: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(target, broken)
    with pytest.raises(EffectError, match="does not show: expected that"):
        lesson(named(name))


@pytest.mark.parametrize("holds", [False, torch.tensor(False), ""])
def test_a_claim_that_does_not_hold_is_named(holds: object) -> None:
    with pytest.raises(EffectError, match="expected that water is dry"):
        expect("water is dry", holds)


def test_the_lectures_own_text_is_taken_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small.verse.cache_clear()
    folder = tmp_path / "tinyshakespeare"
    folder.mkdir()
    for split in ("train", "dev", "test"):
        (folder / f"{split}.txt").write_text("ROMEO:\nIt is the east.\n")
    monkeypatch.setenv("SEQX_DATA", str(tmp_path))
    verse = small.verse()
    assert (verse.name, verse.lines) == ("tiny Shakespeare", ["ROMEO:", "It is the east."])
    assert "".join(verse.letters(torch.from_numpy(verse.train[:6].astype("int64")))) == "ROMEO:"


# The catalogue, the code and the document.


@pytest.mark.parametrize("note", NOTES, ids=lecture.order())
def test_each_note_is_one_short_documented_function_and_names_a_file_to_open_next(note: Note) -> None:
    module = __import__(f"seq2seq.learn.{note.module}", fromlist=[note.function])
    function = getattr(module, note.function)
    assert function.__doc__
    assert Path(inspect.getsourcefile(function) or "") == note.code
    assert len(inspect.getsource(function).splitlines()) <= MOST_OF_A_FUNCTION
    assert note.following.is_file()
    assert len(f"{note.name:<17}{note.title}") <= COLUMNS


def test_the_document_shows_every_note_in_order_with_its_picture() -> None:
    said = lecture.sections(lecture.PAGE.read_text(encoding="utf-8"))
    assert [*said] == lecture.order()
    for note in NOTES:
        assert said[note.name].title.lower() == note.title.lower()
        assert lecture.picture(note).read_bytes().startswith(b"\x89PNG")
    assert sum(path.stat().st_size for path in lecture.FOLDER.glob("*.png")) <= 1_000_000
    assert {path.stem for path in lecture.FOLDER.glob("*.png")} == {*said}


def test_where_the_lecture_is_wrong_the_document_says_so() -> None:
    said = lecture.sections(lecture.PAGE.read_text(encoding="utf-8"))
    assert "4.87" in said["first-loss"].correction and "4.174" in said["first-loss"].correction
    assert "q = key(x)" in said["query-key-value"].correction


def test_lines_that_say_something_else_do_not_agree() -> None:
    assert lecture.agree("loss 2.04 after 200", "loss 2.05 after 200", 0.1)
    assert not lecture.agree("loss 2.04 after 200", "loss 2.75 after 200", 0.1)
    assert not lecture.agree("loss 2.04 after 200", "gain 2.04 after 200", 0.1)
    assert not lecture.agree("loss 2.04", "loss 2.05", 0.0)
