"""Recipes, and values of --set, that cannot be used: nothing is begun."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.bad_input import Case, refused
from tests.support.command import Seqx

RECIPES: dict[str, str | bytes] = {
    "broken": "[model\n",
    "twice": "[model]\nd_model = 16\nd_model = 32\n",
    "nested": "x = " + "[" * 5000,
    "endless": "x = 1 # " + "a" * 30_000,
    "digits": "[model]\nd_model = 1" + "0" * 5000 + "\n",
    "latin1": 'summary = "d\xe9j\xe0"\n'.encode("latin-1"),
    "section": "[modell]\nd_model = 16\n",
    "many": "[model]\na = 1\nb = 2\nc = 3\nd_modell = 4\n",
    "long": '[model]\nd_model = "' + "x" * 10_000 + '"\n',
    "climbing-name": 'name = "../../elsewhere"\n',
    "absolute-name": 'name = "/elsewhere"\n',
    "climbing-corpus": '[data]\ncorpus = "../../elsewhere"\n',
    "climbing-language": '[data]\nsource = "/../../fr"\n',
    "escape": 'name = "\\u001b[2J"\n',
    "fallback": "[fallback.trainning]\nsteps = 3\n",
}
GIVEN = "train -q --run out --source-file train.fr --target-file train.en --recipe "
SET = GIVEN + "tiny.toml --set "
CASES = {
    "unknown name": Case(1, GIVEN + "fr-enn", ("'fr-enn'", "did you mean fr-en", "there are: assistant-base")),
    "missing": Case(1, GIVEN + "./no.toml", ("no recipe file no.toml", "seqx recipes")),
    "folder": Case(1, GIVEN + "./", ("it is a folder; name a TOML file",)),
    "no TOML": Case(1, GIVEN + "broken.toml", ("broken.toml is not valid TOML", "line 1")),
    "a key twice": Case(1, GIVEN + "twice.toml", ("twice.toml is not valid TOML", "line 3")),
    "nested": Case(1, GIVEN + "nested.toml", ("nested.toml is not valid TOML: nested too deep",)),
    "without end": Case(1, GIVEN + "endless.toml", ("endless.toml", "over 20,000")),
    "number of 5,000 digits": Case(1, GIVEN + "digits.toml", ("digits.toml", "limit")),
    "not UTF-8": Case(1, GIVEN + "latin1.toml", ("latin1.toml: byte 12 is not UTF-8; save it as UTF-8",)),
    "unknown section": Case(1, GIVEN + "section.toml", ("unknown key modell (did you mean model?)",)),
    "many unknown keys": Case(1, GIVEN + "many.toml", ("unknown key model.a", "and 2 more")),
    "value without end": Case(1, GIVEN + "long.toml", ("model.d_model", "xxx...xxx")),
    "name that climbs": Case(1, GIVEN + "climbing-name.toml", ("name: a name is needed, without slashes",)),
    "absolute name": Case(1, GIVEN + "absolute-name.toml", ("name: a name is needed", "'/elsewhere'")),
    "corpus that climbs": Case(1, "data get climbing-corpus.toml --to here", ("data.corpus: a name is needed",)),
    "language that climbs": Case(1, GIVEN + "climbing-language.toml", ("data.source: a name is needed",)),
    "name that speaks to the terminal": Case(1, "recipes show escape.toml", ("name: a name is needed", "x1b[2J")),
    "unknown section of fallback": Case(1, GIVEN + "fallback.toml", ("fallback.trainning", "did you mean training")),
    "unknown key": Case(1, SET + "model.d_modell=3", ("d_modell", "did you mean d_model")),
    "wrong type": Case(1, SET + "training.steps=many", ("training.steps", "valid integer", "'many'")),
    "truth for number": Case(1, SET + "training.steps=true", ("training.steps: write a number here, not true",)),
    "part of a step": Case(1, SET + "training.steps=1.5", ("training.steps", "(got 1.5)")),
    "negative size": Case(1, SET + "model.d_ff=-1", ("model.d_ff: Input should be greater than 0 (got -1)",)),
    "no layers": Case(1, SET + "model.decoder_layers=0", ("model.decoder_layers", "(got 0)")),
    "heads that do not divide": Case(1, SET + "model.n_heads=3", ("n_heads = 3 does not divide d_model = 16",)),
    "odd width": Case(1, SET + "model.d_model=9 --set model.n_heads=3", ("d_model = 9 is odd",)),
    "dropout of 1.5": Case(1, SET + "model.dropout=1.5", ("model.dropout", "less than 1 (got 1.5)")),
    "rate that is no number": Case(1, SET + "training.learning_rate=nan", ("training.learning_rate", "finite")),
    "rate without bound": Case(1, SET + "training.learning_rate=inf", ("training.learning_rate", "finite")),
    "seed out of range": Case(1, SET + "training.seed=99999999999999999999", ("training.seed", "less than")),
    "norm of no kind": Case(1, SET + "model.norm=mid", ("model.norm", "'post' or 'pre'", "'mid'")),
    "two vocabularies tied": Case(1, SET + "tokenizer.joint=false", ('model.tie = "all" needs one vocabulary',)),
    "text by pieces without line ends": Case(
        1, SET + "task=language-model --set model.architecture=decoder-only", ("loses line ends; for running text use",)
    ),
    "batch too small": Case(1, SET + "training.batch_tokens=8", ("cannot hold one pair of data.max_length = 32",)),
    "pairs too long": Case(1, SET + "data.max_length=99", ("data.max_length = 99 exceeds model.max_length = 32",)),
    "set into a value": Case(1, SET + "data.corpus.x=1", ("data.corpus.x=1", "corpus holds a value")),
    "set without a value": Case(1, SET + "training.steps", ("write it as section.key=value",)),
    "averages of none": Case(1, SET + "training.keep=ema", ('training.keep = "ema" needs training.ema',)),
    "width of 10**9": Case(1, SET + "model.d_model=1000000000", ("model.d_model", "1000000 (got 1000000000)")),
    "10**9 layers": Case(1, SET + "model.encoder_layers=1000000000", ("model.encoder_layers", "1000 ")),
    "context of 10**12": Case(1, SET + "model.max_length=1000000000000", ("model.max_length", "1000000 ")),
    "vocabulary of 10**12": Case(1, SET + "tokenizer.vocabulary_size=1000000000000", ("vocabulary_size", "1000000 ")),
    "larger than the memory": Case(
        1,
        SET + "model.d_model=1000000 --set model.d_ff=1000000",
        ("at least 16,", "GiB of memory; lower model.d_model = 1,000,000"),
    ),
    "beam of 10**9": Case(1, SET + "decoding.beam_size=1000000000", ("decoding.beam_size", "1000 ")),
    "vocabulary larger than the corpus": Case(
        1,
        SET + "tokenizer.vocabulary_size=9000",
        ("too small for a bpe vocabulary of 9000 tokens: at most", "lower tokenizer.vocabulary_size"),
        begun=True,
    ),
    "vocabulary without the characters": Case(
        1, SET + "tokenizer.vocabulary_size=5", ("at least", "raise tokenizer.vocabulary_size"), begun=True
    ),
    "bytes that have no room": Case(
        1,
        SET + "tokenizer.kind=byte-bpe --set tokenizer.vocabulary_size=100",
        ("raise tokenizer.vocabulary_size to at least 260",),
        begun=True,
    ),
    "sampling of bytes": Case(
        1,
        SET + "tokenizer.kind=byte --set tokenizer.sampling=0.1",
        ('--set tokenizer.sampling has no effect with tokenizer.kind = "byte"',),
    ),
    "encoding of no name": Case(
        1, SET + "tokenizer.kind=tiktoken --set tokenizer.encoding=gpt22", ("did you mean gpt2",), begun=True
    ),
    "corpus that is not available": Case(
        1, "train -q --recipe fr-en-multi30k", ("multi30k", "--source-file", "SEQX_DATA")
    ),
    "no recipe": Case(2, "train", ("--recipe",)),
    "recipe of nothing to copy": Case(1, "recipes copy nothing out.toml", ("'nothing'",)),
    "copy over a file": Case(1, "recipes copy fr-en tiny.toml", ("tiny.toml exists already; name another",)),
    "doctor": Case(1, "doctor --recipe fr-enn", ("did you mean fr-en",)),
    "bench": Case(1, "bench --recipe fr-enn", ("did you mean fr-en",)),
    "data check": Case(1, "data check fr-enn", ("did you mean fr-en",)),
    "data get": Case(1, "data get tiny.toml --to here", ("corpus nowhere has no place on the Hub; set data.hub.path",)),
}


@pytest.fixture
def recipes(files: Path) -> Path:
    for name, contents in RECIPES.items():
        encoded = contents.encode() if isinstance(contents, str) else contents
        (files / f"{name}.toml").write_bytes(encoded)
    return files


@pytest.mark.parametrize("name", CASES)
def test_a_recipe_that_cannot_be_used_is_named(seqx: Seqx, recipes: Path, name: str) -> None:
    refused(seqx, CASES[name], recipes)


def test_after_a_vocabulary_that_was_too_large_the_same_folder_takes_a_smaller_one(seqx: Seqx, files: Path) -> None:
    assert seqx(*SET.split()[:-1], "--set", "tokenizer.vocabulary_size=9000").code == 1
    done = seqx(*SET.split()[:-1], "--set", "training.steps=2")
    assert done.code == 0, done.err


def test_a_byte_order_mark_and_crlf_are_no_part_of_a_recipe(seqx: Seqx, files: Path) -> None:
    text = (files / "tiny.toml").read_text()
    (files / "windows.toml").write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    shown = seqx("recipes", "show", "windows.toml")
    assert shown.code == 0
    assert shown.out == seqx("recipes", "show", "tiny.toml").out.replace('name = "tiny"', 'name = "windows"')
