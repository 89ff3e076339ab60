"""Every command and every block of Python that the pages show is run: on tiny text, with tiny recipes."""

from __future__ import annotations

import json
import re
import runpy
import shutil
import sys
import webbrowser
from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from typer.main import get_command

from cli.main import app
from seq2seq.measure import throughput
from seq2seq.measure.steps import Spread
from seq2seq.recipe import files as recipe_files
from tests.support import documents, tiny
from tests.support.clock import hurry
from tests.support.command import Seqx
from tests.support.products import small_products

COMMANDS = documents.commands()
SERVED = "".join(path.read_text(encoding="utf-8") for path in (documents.ROOT / "seq2seq" / "serving").glob("*.py"))

# Commands whose options are checked, and which are not run. All others are.
ONLY_CHECKED = {
    "torchrun": "needs several processes; tests/cli/test_processes.py runs it",
    "seqx data get": "needs a network",
    "--sacrebleu": "needs a network",
    "assistant": "takes minutes; .ci/run trains each step, tests/cli/test_chat.py talks to a tiny one",
    "seqx chat": "needs a chat model; tests/cli/test_chat.py has one",
    "--recipe sft": "needs a language model of its own; tests/tasks/test_conversation.py trains one",
    "encoder-text": "needs a model without classes; tests/tasks/test_masked_language_model.py trains one",
    "python -m tests.benchmarks": "takes hours, or needs corpora and other toolkits",
    "seqx serve": "serves until it is stopped; tests/serving/ and .ci/run do so",
    "curl": "needs a server; tests/serving/ and .ci/run send such requests",
    "python -m tests.support": "needs a translator and a browser; tests/serving/test_page.py calls it",
    "python -m pytest": "runs the tests themselves",
    "python -m pip": "installs seqx; .ci/run does so",
}

# By task the tiny recipe; by command the run that it takes where none is named.
TINY = {"translation": tiny.RECIPE, "language-model": tiny.TEXT_RECIPE, "classification": tiny.LABELLED_RECIPE}
NEWEST = {"generate": "gpt-shakespeare", "classify": "sentiment"}

# What would take minutes is made short: an option's value, or options that a command gets where it has not got them.
SHORTER = {
    "--minutes": "0.15",  # a fifth of them, of this process alone
    "--seconds": "0.1",
    "--overfit": "2",
    "--seeds": "1",
    "--steps": "40,60",  # those that the run has
    "--checkpoint": "60",
}
ADDED = {
    "bench": ["--seconds", "0.1"],
    "doctor": ["--quick", "--recipe", "gpt-shakespeare", "--device", "cpu"],
    "tokenizer compare": ["--vocabulary", "300,400"],
}


def only_checked(command: str) -> bool:
    return any(part in command for part in ONLY_CHECKED)


@pytest.mark.parametrize("command", [each for each in COMMANDS if not only_checked(each)])
def test_each_command_does_what_it_is_shown_for(reader: Reader, command: str) -> None:
    done = reader.type(command)
    assert done.code == 0, f"{COMMANDS[command]}: {command}\n{done.err}"
    assert done.out or done.err


@pytest.mark.parametrize("command", [each for each in COMMANDS if only_checked(each)])
def test_each_command_that_is_not_run_has_the_options_that_it_is_shown_with(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = documents.words(command)
    if "seqx" in words:
        words = words[words.index("seqx") + 1 :]
        assert options(words) <= known_options(words)
        if "--recipe" in words:
            recipe_files.load(words[words.index("--recipe") + 1])
    elif "pytest" in words:
        assert all((documents.ROOT / word).exists() for word in words if word.startswith("tests/"))
    elif "pip" in words:
        assert re.fullmatch(r'python -m pip install (\.|"\.\[(dev|serve)\]")', command)
    elif "curl" in words:
        routes = {urlsplit(word).path for word in words if word.startswith("http")}
        assert routes and all(f'"{route.removeprefix("/v1")}"' in SERVED for route in routes)
    else:
        monkeypatch.setattr(sys, "argv", [words[2], "--help"])
        monkeypatch.delitem(sys.modules, words[2], raising=False)
        with redirect_stdout(StringIO()) as shown, pytest.raises(SystemExit):
            runpy.run_module(words[2], run_name="__main__")
        assert all(option in shown.getvalue() for option in options(words))


@pytest.mark.parametrize("page", [page for page in documents.PAGES if documents.blocks(page, "python")])
def test_the_python_of_each_page_runs_block_by_block(reader: Reader, page: str) -> None:
    """Later blocks use the names of earlier ones."""
    reader.provide_run("fr-en", "pairs")
    reader.provide_run("gpt-shakespeare", "text")
    reader.provide_run("sentiment", "labels")
    reader.provide_texts("train.fr", "train.en")
    names: dict[str, Any] = {}
    for number, block in enumerate(documents.blocks(page, "python"), start=1):
        with redirect_stdout(StringIO()) as shown:
            exec(compile(block, f"{page}, block {number}", "exec"), names)
        assert shown.getvalue().strip(), f"{page}, block {number} shows nothing"


def test_there_are_commands_and_python_to_run() -> None:
    assert len([each for each in COMMANDS if not only_checked(each)]) > 30
    assert {page for page in documents.PAGES if documents.blocks(page, "python")} >= {
        *("README.md", "seq2seq/README.md", "seq2seq/model/README.md", "seq2seq/training/README.md"),
    }


def options(words: list[str]) -> set[str]:
    return {word for word in words if re.match(r"--\w", word)}


def known_options(words: list[str]) -> set[str]:
    """The options of the command that `seqx` and these words start."""
    command: Any = get_command(app)
    for word in words:
        if word not in getattr(command, "commands", {}):
            break
        command = command.commands[word]
    return {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}


class Reader:
    """Somebody who types what a page shows, in a folder that has the files and the runs that the page assumes."""

    def __init__(self, seqx: Seqx, pairs: Path, text: Path, labels: Path) -> None:
        self._seqx = seqx
        self._runs = {"pairs": pairs, "text": text, "labels": labels}

    def type(self, line: str) -> Any:
        """Run a line: `seqx ...`, perhaps behind `cat` or `echo`, perhaps with its output in a file."""
        words = documents.words(line)
        stdin = b""
        if "|" in words:
            first, words = words[: words.index("|")], words[words.index("|") + 1 :]
            stdin = self._written(first)
        if ">" in words:
            assert len(words) == words.index(">") + 2
            words = words[: words.index(">")]
        assert words[0] == "seqx"
        return self._seqx(*self._tiny(words[1:]), stdin=stdin)

    def provide_run(self, name: str, form: str) -> None:
        """A finished run of pairs, text or labels under runs/, where it is not there yet."""
        if not Path("runs", name).exists():
            shutil.copytree(self._runs[form], Path("runs", name))

    def provide_texts(self, *names: str) -> None:
        """Files of tiny text, where they are not there yet."""
        for name in names:
            self._file(name)

    def _written(self, words: list[str]) -> bytes:
        program, *arguments = words
        assert program in ("cat", "echo")
        if program == "echo":
            return " ".join(arguments).encode() + b"\n"
        return b"".join(self._file(name).read_bytes() for name in arguments)

    def _tiny(self, words: list[str]) -> list[str]:
        """The words with a tiny recipe for the recipe that they name, and all that they need provided."""
        for start, more in ADDED.items():
            if words[: len(start.split())] == start.split() and more[0] not in words:
                words = [*words, *more]
        if words[0] == "sweep":  # several runs
            words = words[: words.index("--minutes")]
        words = [each for word in words for each in self._expanded(word)]
        self._provide_runs(words)
        for place, (option, value) in enumerate(pairwise(words.copy()), start=1):
            if (option, value) == ("--recipe", "finetune"):  # whose model is that of the run it starts from
                words += ["--set", "training.steps=2", "--set", "training.validate_every=2"]
            elif option == "--recipe" or (words[:2] == ["data", "check"] and place == 2 and option == "check"):
                words[place] = self._recipe(words, value) if not value.startswith("-") else value
            elif option in SHORTER:
                words[place] = SHORTER[option]
            elif option == "--set" and value.startswith("training.steps="):
                words[place] = "training.steps=2"
            elif option == "--add-data":
                self._file(value.partition(":")[0])
            elif option in ("--source-file", "--target-file", "--input", "--data") or value.endswith(".txt"):
                self._file(value)
        return words

    def _expanded(self, word: str) -> list[str]:
        if word == "*.txt":
            return [str(self._file(name)) for name in ("one.txt", "two.txt")]
        return [word]

    def _recipe(self, words: list[str], name: str) -> str:
        """The file of a tiny recipe of the form, and with the name, of the one that is shown."""
        if name.endswith(".toml") and not Path(name).exists():
            shutil.copy(recipe_files.path_of("fr-en"), name)
        changes = [value.partition(",")[0] for option, value in pairwise(words) if option == "--set"]
        shown = recipe_files.load(name, changes)
        recipe = f'name = "{shown.name}"\n' + TINY[shown.task].replace("steps = 6\n", "steps = 2\n", 1)
        Path("tiny").mkdir(exist_ok=True)
        Path("tiny", f"{shown.name}.toml").write_text(recipe, encoding="utf-8")
        return f"tiny/{shown.name}.toml"

    def _provide_runs(self, words: list[str]) -> None:
        given = [word for option, word in pairwise(["", *words]) if option != "--to"]
        named = [word.removeprefix("runs/") for word in given if word.startswith("runs/")]
        if words[0] == "train":
            begun = "--run" if "--more" in words else "--start"  # the run that training continues
            for option, value in pairwise(words):
                if option == begun:
                    self.provide_run(value.removeprefix("runs/"), "pairs")
        else:
            for name in named or [NEWEST.get(words[0], "fr-en")]:
                form = "text" if name.startswith("gpt") else "labels" if name == "sentiment" else "pairs"
                self.provide_run(name, form)
        for pack in (word for word in given if word.endswith(".seqx")):
            assert self._seqx("pack", "--run", self._runs["pairs"], "--to", pack).code == 0

    def _file(self, name: str) -> Path:
        path = Path(name)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(contents(path, 200), encoding="utf-8")
        return path


def contents(path: Path, lines: int) -> str:
    """Tiny text in the format that the name of a file says."""
    rows = tiny.pairs(lines, len(path.stem))
    if path.suffix == ".txt":
        return tiny.verse(lines, len(path.stem))
    if path.suffix == ".csv":
        labelled = [(*row, *row, *pair) for row, pair in zip(tiny.labelled(lines, len(path.stem)), rows)]
        columns = ("text", "label", "body", "team", "fr", "en")
        return "".join(",".join(row) + "\n" for row in [columns, *labelled])
    if path.suffix == ".tsv":
        return "".join("\t".join(row) + "\n" for row in rows)
    if path.suffix == ".jsonl":
        return "".join(json.dumps({"source": source, "target": target}) + "\n" for source, target in rows)
    return "".join(row[path.suffix == ".en"] + "\n" for row in rows)


@pytest.fixture(scope="module")
def corpora(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mirror of the corpus of the tiny recipes, of any form; nobody writes there."""
    folder = tmp_path_factory.mktemp("corpora") / "nowhere"
    folder.mkdir()
    for split, lines in (("train", 200), ("dev", 12), ("test", 12)):
        for suffix in ("txt", "fr", "en", "csv"):
            path = folder / f"{split}.{suffix}"
            path.write_text(contents(path, lines), encoding="utf-8")
    return folder.parent


@pytest.fixture
def reader(
    seqx: Callable[..., Any],
    trained: Path,
    trained_text: Path,
    trained_classifier: Path,
    corpora: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Reader:
    monkeypatch.setenv("SEQX_DATA", str(corpora))
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # where nothing answers
    monkeypatch.setattr(webbrowser, "open", lambda url: url.startswith("file:///"))
    hurry(monkeypatch)
    small_products(monkeypatch)
    # Two processes or more, which tests/cli/test_bench.py starts.
    monkeypatch.setattr(throughput, "loading", lambda command, seconds: Spread.of([seconds]))
    return Reader(seqx, trained, trained_text, trained_classifier)
