"""The library's front door: what `import seq2seq` offers, and what it says to who uses it wrongly."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

import seq2seq
from seq2seq import library
from seq2seq.data.tokenizers import Bytes, Characters
from seq2seq.decoding.options import GenerationOptions
from seq2seq.errors import ArgumentError, RunError, SeqxError
from seq2seq.evaluation import metrics
from seq2seq.recipe import files as recipe_files
from seq2seq.run import Run
from seq2seq.storage.tensors import read_weights, save_weights, weights_of
from seq2seq.tasks import models, open_run
from seq2seq.tasks.language_model_opening import open_generator
from seq2seq.tasks.opening import EngineChoice
from seq2seq.tasks.translation_opening import open_translator
from tests.support.command import ROOT, Seqx


def test_the_front_door_has_these_names_and_no_torch() -> None:
    assert set(seq2seq.__all__) == {
        *("load", "Translator", "Generator", "Assistant", "Classifier", "__version__"),
        *("SeqxError", "ArgumentError", "DataError", "DeviceError", "RecipeError", "RunError"),
    }
    check = (
        "import sys, seq2seq; names = dir(seq2seq); assert set(seq2seq.__all__) <= set(names)\n"
        "assert [getattr(seq2seq, name) for name in seq2seq.__all__] and 'torch' not in sys.modules\n"
        "from seq2seq import *; load"
    )
    done = subprocess.run([sys.executable, "-c", check], cwd=ROOT, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()


def test_an_unknown_name_tells_the_near_miss() -> None:
    with pytest.raises(AttributeError, match="seq2seq has no laod; did you mean load"):
        seq2seq.laod  # noqa: B018
    with pytest.raises(AttributeError, match=r"seq2seq has no zzz; it has .*load"):
        seq2seq.zzz  # noqa: B018


def test_a_translator_translates_as_the_command_does(seqx: Seqx, trained: Path) -> None:
    translator = seq2seq.load(str(trained))
    assert isinstance(translator, seq2seq.Translator) and (translator.source, translator.target) == ("fr", "en")
    assert translator.engine.startswith("CTranslate2") and "fr to en" in repr(translator)
    lines = ["un chat", "deux chiens rouges", "", "trois"]
    expected = seqx("translate", "--run", trained, stdin="\n".join(lines).encode()).out.split("\n")[:-1]
    assert translator.translate(lines) == [translator.translate(line) for line in lines] == expected
    assert translator.translate("un chat\n\ntrois") == "\n".join([expected[0], "", expected[3]])
    assert translator.translate([]) == [] and translator.translate("") == ""
    scores = translator.score(["un", ""], ["one", "two"])
    assert scores == [translator.score("un", "one"), None] and (scores[0] or 0) < 0
    slow = seq2seq.load(trained, engine="torch", beam_size=1)
    assert slow.engine.startswith("PyTorch")


@pytest.mark.parametrize("engine", ["torch", "ctranslate2"])
def test_another_beam_or_list_needs_no_other_translator(
    seqx: Seqx, trained: Path, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    translator: Any = seq2seq.load(trained, engine=engine, precision="float32", device="cpu", beam_size=1)
    monkeypatch.setattr(library, "open_translator", None)  # is called no more
    lines = ["un chat", "deux chiens rouges", "", "trois oiseaux"]

    def command(*given: str) -> list[str]:
        done = seqx("translate", "--run", trained, "--engine", engine, "--precision", "float32", "--device", "cpu",
                    *given, stdin="\n".join(lines).encode())  # fmt: skip
        return done.out.splitlines()

    greedy = command("--beam-size", "1")
    assert translator.translate(lines) == greedy
    assert translator.translate(lines, beam_size=5) == command("--beam-size", "5")
    several = translator.translate(lines, beam_size=5, n_best=3)
    listed = [line.split(" ||| ")[:2] for line in command("--beam-size", "5", "--n-best", "3")]
    assert [[str(number), text] for number, texts in enumerate(several) for text in texts] == listed
    assert translator.translate(lines[0], beam_size=5, n_best=3) == several[0]
    assert translator.translate(lines) == greedy


def test_a_generator_continues_a_prompt_as_the_command_does(seqx: Seqx, trained_text: Path) -> None:
    generator = seq2seq.load(trained_text)
    assert isinstance(generator, seq2seq.Generator)
    done = seqx("generate", "--run", trained_text, "one", "--seed", "3", "--max-tokens", "12", "--no-prompt")
    assert generator.generate("one", seed=3, max_tokens=12) == done.out.removesuffix("\n")
    assert generator.generate("one", seed=3, max_tokens=12, min_p=0.3)  # which another engine has
    assert 0 < len(generator.generate(seed=1, max_tokens=5)) <= 5  # it may end sooner


def misused(trained: Path, trained_text: Path) -> dict[str, Any]:
    translator, generator = seq2seq.load(trained), seq2seq.load(trained_text)
    engine = open_translator(Run(trained), EngineChoice()).translator
    model, _ = models.trained_model(Run(trained), torch.device("cpu"))
    return {
        "load no name": lambda: seq2seq.load(""),
        "load nothing": lambda: seq2seq.load(None),  # type: ignore[arg-type]
        "load a number": lambda: seq2seq.load(3),  # type: ignore[arg-type]
        "beams of a text model": lambda: seq2seq.load(trained_text, beam_size=2),
        "translate nothing": lambda: translator.translate(None),
        "no beam": lambda: translator.translate("un", beam_size=0),
        "half a list": lambda: translator.translate("un", n_best=1.5),
        "several of several lines": lambda: translator.translate("un\ndeux", n_best=2),
        "translate bytes": lambda: translator.translate(b"un"),
        "translate numbers": lambda: translator.translate(["un", 3]),
        "score a text and a list": lambda: translator.score("un", ["one"]),
        "score fewer": lambda: translator.score(["un"], ["one", "two"]),
        "generate from a list": lambda: generator.generate(["one"]),
        "stop at letters": lambda: generator.generate("one", stop="end"),
        "a temperature below 0": lambda: generator.generate("one", temperature=-1),
        "a mass of nothing": lambda: generator.generate("one", top_p=0),
        "letters": lambda: engine.translate("bonjour"),
        "letters, streamed": lambda: list(engine.stream("bonjour")),
        "letters, scored": lambda: engine.score("un", "un"),
        "letters, encoded": lambda: Bytes().encode("un"),
        "letters, encoded one by one": lambda: Characters("nu").encode("un"),
        "letters, judged": lambda: metrics.bleu("un", ["un"], "en"),
        "a run of a number": lambda: Run(3),  # type: ignore[arg-type]
        "a path first": lambda: save_weights(trained, weights_of(model)),  # type: ignore[arg-type]
        "a model": lambda: save_weights(model, trained / "no"),  # type: ignore[arg-type]
        "tied weights": lambda: save_weights(model.state_dict(keep_vars=False), trained / "no"),
    }


def test_a_wrong_argument_is_an_error_of_seqx_and_of_python(trained: Path, trained_text: Path) -> None:
    for name, misuse in misused(trained, trained_text).items():
        with pytest.raises(SeqxError) as caught:
            misuse()
        assert isinstance(caught.value, ArgumentError) and isinstance(caught.value, TypeError), name
        assert 20 < len(str(caught.value)) < 300, name
    assert not (trained / "no").exists()


def test_a_run_of_another_kind_is_refused_wherever_it_is_opened(trained: Path, trained_text: Path) -> None:
    for opened in (
        lambda: open_translator(Run(trained_text), EngineChoice()),
        lambda: open_translator(Run(trained_text), EngineChoice(engine="torch")),
    ):
        with pytest.raises(RunError, match="is a language model, not a translator"):
            opened()
    with pytest.raises(RunError, match=r"is a translator \(fr to en\), not a language model"):
        open_generator(Run(trained), EngineChoice(), GenerationOptions())
    with pytest.raises(RunError, match="no run folder"):
        seq2seq.load("nowhere")
    with pytest.raises(RunError, match="is a file, not a run folder"):
        seq2seq.load(trained / "model.safetensors")


def test_a_method_of_the_other_kind_of_model_is_named_as_such(trained: Path, trained_text: Path) -> None:
    translator: Any = seq2seq.load(trained)
    generator: Any = seq2seq.load(trained_text)
    with pytest.raises(AttributeError, match="Generator has no translate; translate is a Translator's; it has gen"):
        generator.translate("un")
    with pytest.raises(AttributeError, match="Translator has no generate; generate is a Generator's; it has tran"):
        translator.generate("un")
    with pytest.raises(AttributeError, match="Translator has no zzz; it has translate, score"):
        translator.zzz  # noqa: B018


def test_a_path_may_be_text(trained: Path, tmp_path: Path) -> None:
    assert Run(str(trained)).weights == trained / "model.safetensors"  # type: ignore[arg-type]
    assert open_run(str(trained)).finished  # type: ignore[arg-type]
    weights = read_weights(trained / "model.safetensors")
    save_weights(weights, str(tmp_path / "weights"))
    assert read_weights(tmp_path / "weights").keys() == weights.keys()
    assert recipe_files.load(trained / "recipe.toml").name == "tiny"
