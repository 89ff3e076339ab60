"""`seqx generate`: goes on from a prompt, streams, repeats with its seed, and says which run it needs."""

from __future__ import annotations

import io
import json
import os
import shutil
from collections.abc import Generator
from pathlib import Path
from typing import Any, cast

import pytest
import torch

from seq2seq import recipe
from seq2seq.data import tokenizers
from seq2seq.decoding.generation.generator import Generated
from seq2seq.decoding.options import GenerationOptions
from seq2seq.model.gpt import Gpt
from seq2seq.run import Run
from seq2seq.storage.tensors import save_weights, weights_of
from tests.support.bad_input import check
from tests.support.command import Seqx, heavy_imports
from tests.support.fakes import tiny_gpt, tiny_recipe
from tests.support.finished_generators import TEXT, add_copy, finished

ALPHABET = tokenizers.Characters("\n !:?ABCDEFGHIJKLMNOR—abcdefghijklmnoprstuvwyé")


def text_run(folder: Path, *, end: float = -9.0) -> Path:
    """A finished run on running text, with a model of random weights that seldom ends a text."""
    torch.manual_seed(1)
    settings = recipe.Recipe(
        name="tiny",
        task="language-model",
        data=recipe.Data(corpus="play"),
        tokenizer=recipe.Tokenizer(kind="character"),
        model=tiny_recipe(architecture="decoder-only", tie="none", max_length=16),
        training=recipe.Training(metric="loss", precision="float32"),
    )
    run = Run(folder)
    run.claim(settings)
    tokenizers.save(ALPHABET, folder)
    save_weights(weights_of(tiny_gpt(ALPHABET.size, tie="none", max_length=16, end=end)), run.weights)
    run.note(finished={"step": 1})
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return text_run(tmp_path_factory.mktemp("text") / "run")


def test_the_prompt_comes_first_and_the_text_after_it(seqx: Seqx, run: Path) -> None:
    done = seqx("generate", "--run", run, "ROMEO:", "--seed", "1", "--max-tokens", "40")
    assert done.code == 0, done.err
    assert done.out.startswith("ROMEO:") and done.out.endswith("\n")
    assert len(done.out.removesuffix("\n")) in (len("ROMEO:") + 39, len("ROMEO:") + 40)
    bare = seqx("generate", "--run", run, "ROMEO:", "--seed", "1", "--max-tokens", "40", "--no-prompt")
    assert done.out == "ROMEO:" + bare.out
    assert "40 tokens in" in done.err and "tokens/s" in done.err


def test_argument_file_and_standard_input_give_the_same(seqx: Seqx, run: Path, tmp_path: Path) -> None:
    prompt = "ROMEO:\nO é —\n\n"
    (tmp_path / "prompt.txt").write_bytes(prompt.encode())
    options = ("--run", run, "--seed", "4", "--max-tokens", "20")
    spoken = seqx("generate", *options, prompt)
    piped = seqx("generate", *options, stdin=prompt.encode())
    written = seqx("generate", *options, "--input", "prompt.txt", "--output", "out.txt")
    assert spoken.out == piped.out == (tmp_path / "out.txt").read_text(encoding="utf-8")
    assert spoken.out.startswith(prompt)
    assert written.out == "" and "Written: out.txt" in written.err
    nothing = seqx("generate", *options)
    assert nothing.code == 0 and nothing.out == seqx("generate", *options, "").out != spoken.out


def test_a_seed_that_was_drawn_is_said_and_repeats(seqx: Seqx, run: Path) -> None:
    first = seqx("generate", "--run", run, "A", "--max-tokens", "30")
    seed = first.err.split("Seed ")[1].split(":")[0]
    assert seqx("generate", "--run", run, "A", "--max-tokens", "30", "--seed", seed).out == first.out
    assert seqx("generate", "--run", run, "A", "--max-tokens", "30").out != first.out
    assert "Seed" not in seqx("generate", "--run", run, "A", "--max-tokens", "3", "--temperature", "0").err


def test_samples_are_separated_and_the_first_is_the_one_alone(seqx: Seqx, run: Path) -> None:
    options = ("--run", run, "A", "--seed", "3", "--max-tokens", "12")
    together = seqx("generate", *options, "--samples", "3").out
    parts = together.split("--- 2 of 3 ---\n")
    assert len(parts) == 2 and "--- 3 of 3 ---\n" in parts[1] and "--- 1 of 3" not in together
    assert parts[0] == seqx("generate", *options).out


def test_json_says_what_was_chosen_and_why_it_ended(seqx: Seqx, run: Path) -> None:
    options = ("generate", "--run", run, "A", "--seed", "3", "--max-tokens", "12")
    done = seqx(*options, "--json", "--samples", "2")
    rows = [json.loads(line) for line in done.out.splitlines()]
    assert len(rows) == 2
    for row in rows:
        assert row["prompt"] == "A" and row["seed"] == 3
        assert ALPHABET.decode([row["tokens"]]) == [row["text"]]
        assert row["ended"] == "length" and len(row["tokens"]) == 12
        assert row["log_probability"] < 0 and row["seconds"] > 0 and row["tokens_per_second"] > 0
    text = rows[0]["text"]
    (stopped,) = seqx(*options, "--json", "--stop", text[4:6], "--stop", "nowhere").out.splitlines()
    assert json.loads(stopped)["text"] == text[: text.index(text[4:6])]
    assert json.loads(stopped)["ended"] == "stop"
    assert json.loads(seqx(*options, "--json", "--temperature", "0").out)["seed"] is None


def test_a_beam_of_one_and_no_temperature_are_greedy(seqx: Seqx, run: Path) -> None:
    options = ("generate", "--run", run, "A", "--max-tokens", "15")
    assert seqx(*options, "--temperature", "0").out == seqx(*options, "--beam-size", "1").out
    rows = [
        json.loads(line)["log_probability"]
        for line in seqx(*options, "--beam-size", "4", "--samples", "4", "--json").out.splitlines()
    ]
    assert len(rows) == 4 and rows == sorted(rows, reverse=True)


def test_options_reach_the_sampler(seqx: Seqx, run: Path) -> None:
    def text(*more: str) -> str:
        return seqx("generate", "--run", run, "A", "--seed", "3", "--max-tokens", "30", *more).out

    greedy = text("--temperature", "0")
    assert text("--top-k", "1") == text("--top-p", "1e-6") == text("--min-p", "1") == greedy
    texts = [text(), text("--temperature", "2"), text("--top-k", "5"), text("--top-p", "0.5"), text("--min-p", "0.3")]
    assert len({*texts, text("--repetition-penalty", "3"), greedy}) == 7


def test_characters_that_the_model_does_not_know_are_named_in_one_line(seqx: Seqx, run: Path) -> None:
    done = seqx("generate", "--run", run, "A%Z%\u00ff", "--seed", "1", "--max-tokens", "5")
    assert done.code == 0 and done.out.startswith("A%Z%\u00ff")
    (line,) = [line for line in done.err.splitlines() if "does not know" in line]
    assert "'%' 'Z' 'ÿ'" in line
    assert "does not know" not in seqx("generate", "--run", run, "A", "--max-tokens", "5").err


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with its CTranslate2 copy."""
    made = finished(tmp_path_factory.mktemp("copied"))
    add_copy(made, [TEXT])
    return made.path


def test_a_text_is_generated_without_torch(copied: Path) -> None:
    given = ["generate", "--run", str(copied), "Add", "-q"]
    more = [*given, "--json", "--samples", "3"], [*given, "--precision", "float32", "--top-k", "3"]
    assert heavy_imports(given, *more) == []


def test_the_copy_serves_where_it_can_and_the_json_says_what_did(seqx: Seqx, copied: Path) -> None:
    def row(*more: str) -> Any:
        done = seqx("generate", "--run", copied, "Add", "--max-tokens", "40", "--seed", "3", "--json", *more)
        assert done.code == 0 and "NOTE" not in done.err, done.err
        return json.loads(done.out)

    greedy = ("--temperature", "0", "--precision", "float32")
    fast, plain = row(*greedy), row(*greedy, "--engine", "torch")
    assert fast["text"] == plain["text"] and fast["log_probability"] == pytest.approx(
        plain["log_probability"], abs=1e-2
    )
    assert fast["engine"].startswith("CTranslate2, float32") and plain["engine"].startswith("PyTorch")
    assert row()["engine"].startswith("CTranslate2") and row("--engine", "ctranslate2")["text"] == row()["text"]
    for option, value in (("--min-p", "0.1"), ("--repetition-penalty", "1.2"), ("--beam-size", "2")):
        assert row(option, value)["engine"].startswith("PyTorch")
        check(
            seqx("generate", "--run", copied, "A", "--engine", "ctranslate2", option, value), 1, option, "only PyTorch"
        )


def test_a_run_without_a_copy_says_so_and_gets_one(seqx: Seqx, tmp_path: Path) -> None:
    folder = finished(tmp_path / "run").path
    done = seqx("generate", "--run", folder, "A", "--max-tokens", "3", "--seed", "1")
    assert done.code == 0 and f"`seqx export --run {folder}` makes one" in done.err
    check(seqx("generate", "--run", folder, "A", "--engine", "ctranslate2"), 1, f"seqx export --run {folder}")
    (folder / "test.jsonl").write_text(json.dumps({"text": TEXT}) + "\n")
    made = seqx("export", "--run", folder)
    assert made.code == 0 and "10 of 10 prompts" in made.err and made.out == ""
    noted = json.loads((folder / "run.json").read_text())["ctranslate2"]
    assert noted["same_greedy"] == 10 and noted["score_difference"] < 1e-4
    assert set(noted["nats_per_token"]) == {"PyTorch", "float32", "int8"}
    served = seqx("generate", "--run", folder, "A", "--max-tokens", "3", "--seed", "1")
    assert "by CTranslate2" in served.err and "NOTE" not in served.err


def test_quiet_is_quiet(seqx: Seqx, run: Path) -> None:
    assert seqx("generate", "--run", run, "%", "--max-tokens", "5", "--quiet").err == ""


def test_output_is_whole_or_not_written(seqx: Seqx, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "out.txt").write_text("what was there\n")
    with monkeypatch.context() as patch:
        interrupt_after(patch, 4)
        done = seqx("generate", "--run", run, "A", "--output", "out.txt")
    assert done.code == 130
    assert (tmp_path / "out.txt").read_text() == "what was there\n"
    assert [path.name for path in tmp_path.iterdir()] == ["out.txt"]


def interrupt_after(patch: pytest.MonkeyPatch, steps: int) -> None:
    """Ctrl-C while the model takes its next step after so many."""
    taken = iter(range(steps))
    step = Gpt.step

    def interrupted(self: Gpt, *given: Any) -> torch.Tensor:
        if next(taken, None) is None:
            raise KeyboardInterrupt
        return step(self, *given)

    patch.setattr(Gpt, "step", interrupted)


@pytest.mark.parametrize("more", [(), ("--samples", "2")])
def test_an_interrupted_text_ends_with_its_line(
    seqx: Seqx, run: Path, monkeypatch: pytest.MonkeyPatch, more: tuple[str, ...]
) -> None:
    options = ("generate", "--run", run, "A", "--seed", "3", *more)
    whole = seqx(*options).out
    with monkeypatch.context() as patch:
        interrupt_after(patch, 6)
        done = seqx(*options)
    assert done.code == 130 and "Traceback" not in done.err
    assert done.out == ("" if more else whole[:7] + "\n")


class _Watched(io.BytesIO):
    """Knows what of it was flushed."""

    flushed = b""

    def flush(self) -> None:
        self.flushed = self.getvalue()


def test_each_piece_is_seen_before_the_next_is_made() -> None:
    from cli.generate import write_stream

    file = _Watched()

    class Slow:
        def stream(self, prompt: str, options: GenerationOptions) -> Generator[str, None, Generated]:
            assert file.flushed == b"ROMEO:"
            yield "\nO"
            assert file.flushed == b"ROMEO:\nO"
            yield " é"
            assert file.flushed == "ROMEO:\nO é".encode()
            return Generated("\nO é", (5, 6), -1.0, "length")

    made = write_stream(cast(Any, Slow()), "ROMEO:", GenerationOptions(), file, "ROMEO:")
    assert made.tokens == (5, 6)
    assert file.flushed == "ROMEO:\nO é\n".encode()


def test_a_text_that_ends_with_a_line_end_gets_no_other() -> None:
    from cli.generate import write_stream

    class Still:
        def __init__(self, *pieces: str) -> None:
            self.pieces = pieces

        def stream(self, prompt: str, options: GenerationOptions) -> Generator[str, None, Generated]:
            yield from self.pieces
            return Generated("".join(self.pieces), (), 0.0, "end")

    for pieces, shown, wanted in (
        (("a\n",), "p", b"pa\n"),
        ((), "p\n", b"p\n"),
        ((), "p", b"p\n"),
        ((), "", b"\n"),
        (("a",), "p\n", b"p\na\n"),
    ):
        file = io.BytesIO()
        write_stream(cast(Any, Still(*pieces)), "p", GenerationOptions(), file, shown)
        assert file.getvalue() == wanted


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--temperature", "-1"), ("--temperature -1",)),
        (("--temperature", "nan"), ("--temperature nan",)),
        (("--temperature", "inf"), ("--temperature inf",)),
        (("--temperature", "hot"), ("--temperature", "valid number")),
        (("--top-p", "0"), ("--top-p 0",)),
        (("--top-p", "1.5"), ("--top-p 1.5",)),
        (("--top-k", "-1"), ("--top-k",)),
        (("--min-p", "2"), ("--min-p 2",)),
        (("--repetition-penalty", "0"), ("--repetition-penalty 0",)),
        (("--max-tokens", "0"), ("--max-tokens",)),
        (("--samples", "0"), ("--samples",)),
        (("--seed", "-1"), ("--seed",)),
        (("--stop", ""), ("--stop",)),
        (("--beam-size", "0"), ("--beam-size",)),
        (("--beam-size", "2", "--samples", "3"), ("--samples 3", "--beam-size 2")),
        (("--beam-size", "2", "--top-k", "3"), ("--beam-size 2",)),
        (("--temperature", "0", "--samples", "3"), ("--samples 3", "the same")),
        (("--encoding-errors", "ignore"), ("ignore",)),
        (("--input", "prompt.txt"), ("'A'", "prompt.txt")),
    ],
)
def test_a_bad_value_is_a_usage_error(
    seqx: Seqx, run: Path, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    done = seqx("generate", "--run", run, *arguments, "A")
    check(done, 2, *words)
    assert done.out == ""


def test_a_prompt_that_cannot_be_read_is_named(seqx: Seqx, run: Path, tmp_path: Path) -> None:
    (tmp_path / "latin1.txt").write_bytes("A\ncafé\n".encode("latin-1"))
    check(seqx("generate", "--run", run, "--input", "latin1.txt"), 1, "latin1.txt, line 2", "0xe9")
    check(seqx("generate", "--run", run, stdin=b"\xe9"), 1, "standard input, line 1", "0xe9")
    check(seqx("generate", "--run", run, "--input", "nowhere.txt"), 1, "nowhere.txt")
    check(seqx("generate", "--run", run, "--input", "."), 1, "folder")
    replaced = seqx("generate", "--run", run, "--input", "latin1.txt", "--encoding-errors", "replace")
    assert replaced.out.startswith("A\ncaf\ufffd\n")


def test_a_run_of_the_other_kind_is_named_with_the_command_that_fits(seqx: Seqx, run: Path, trained: Path) -> None:
    check(seqx("generate", "--run", trained, "A"), 1, str(trained), "fr to en", f"seqx translate --run {trained}")
    check(seqx("translate", "--run", run, "un chat"), 1, str(run), f"seqx generate --run {run}")


def test_the_newest_run_of_the_right_kind_is_taken(seqx: Seqx, run: Path, trained: Path, tmp_path: Path) -> None:
    check(seqx("generate", "A"), 1, "no trained model under runs/ to generate with", "seqx train --recipe gpt-shake")
    runs = tmp_path / "runs"
    shutil.copytree(trained, runs / "translator")
    check(seqx("generate", "A"), 1, "no trained model under runs/ to generate with")
    assert seqx("translate", "un chat").code == 0
    shutil.copytree(run, runs / "old")
    text_run(runs / "new", end=9.0)
    shutil.copytree(run, runs / "newest")
    (runs / "newest" / "run.json").write_text("{}")  # and not finished
    for age, name in enumerate(("newest", "new", "old", "translator")):
        os.utime(runs / name / "model.safetensors", (1e9 - age, 1e9 - age))
    assert seqx("generate", "A", "--max-tokens", "9").out == "A\n"  # the new one ends at once
    assert seqx("generate", "--run", "runs/old", "A", "--max-tokens", "9").out != "A\n"
    assert seqx("translate", "un chat").code == 0


def test_a_prompt_without_end_is_refused(seqx: Seqx, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.generate.LONGEST_LINE", 30)
    Path("long.txt").write_text("ROMEO:\n" * 9, encoding="utf-8")
    for arguments, stdin, name in ((["--input", "long.txt"], b"", "long.txt"), ([], b"A\n" * 99, "standard input")):
        done = seqx("generate", "--run", run, "-q", *arguments, stdin=stdin)
        assert done.code == 1 and f"{name} is over 30 characters long; give a shorter prompt" in done.err
