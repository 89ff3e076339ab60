"""Recipes as files: those that ship, bases, values of --set, and errors that name what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from seq2seq import recipe
from seq2seq.errors import RecipeError
from seq2seq.recipe import Adam, validated
from seq2seq.recipe import files as recipe_files

SHIPPED = recipe_files.names()


def _file(folder: Path, contents: str) -> str:
    path = folder / "mine.toml"
    path.write_text(contents, encoding="utf-8")
    return str(path)


def _value(made: recipe.Recipe, key: str) -> Any:
    value: Any = made
    for part in key.split("."):
        value = getattr(value, part)
    return value


@pytest.mark.parametrize("name", SHIPPED)
def test_each_recipe_that_ships_is_valid_and_says_what_it_is(name: str) -> None:
    made = recipe_files.load(name)
    assert made.name == name
    assert made.summary


@pytest.mark.parametrize("name", SHIPPED)
def test_each_fallback_is_valid(name: str) -> None:
    made = recipe_files.load(name)
    if made.data.bundled is None:
        assert made.fallback == {}
        with pytest.raises(RecipeError, match=f"recipe {name} has no bundled corpus to fall back on: give --"):
            made.on_bundled()
        return
    stands_in = made.on_bundled()
    assert (stands_in.data.corpus, stands_in.data.corpora, stands_in.data.hub) == (made.data.bundled, (), None)
    for section, changes in made.fallback.items():
        for key, value in changes.items():
            assert _value(stands_in, f"{section}.{key}") == value


def test_the_quick_start_trains_what_fr_en_trains_without_its_corpus() -> None:
    quick, fallback = recipe_files.load("fr-en-phrasebook"), recipe_files.load("fr-en").on_bundled()
    assert recipe_files.differences(quick, fallback) == ['data.bundled: null -> "phrasebook"']


@pytest.mark.parametrize("name", SHIPPED)
def test_a_recipe_written_as_toml_is_read_as_the_same(name: str) -> None:
    made = recipe_files.load(name)
    assert recipe_files.parse(made.to_toml(), "written") == made


def test_the_defaults_are_the_base_model_of_the_paper() -> None:
    made = recipe.Recipe()
    assert (made.model.d_model, made.model.d_ff, made.model.n_heads, made.model.encoder_layers) == (512, 2048, 8, 6)
    assert (made.training.warmup_steps, made.optimizer) == (4000, recipe.Adam(betas=(0.9, 0.98), epsilon=1e-9))
    assert (made.training.label_smoothing, made.decoding.beam_size, made.decoding.length_penalty) == (0.1, 4, 0.6)


def test_a_recipe_is_known_by_name_or_by_path(tmp_path: Path) -> None:
    made = recipe_files.load(_file(tmp_path, "[training]\nsteps = 7\n"))
    assert (made.name, made.training.steps) == ("mine", 7)
    assert recipe_files.load(_file(tmp_path, 'name = "other"\n')).name == "other"


def test_an_unknown_name_has_a_near_miss_and_the_whole_list() -> None:
    with pytest.raises(RecipeError, match=r"no recipe named 'fr-ne' \(did you mean fr-en\?\); there are: .*fr-en"):
        recipe_files.load("fr-ne")
    with pytest.raises(RecipeError, match="no recipe named 'qqq'; there are:"):
        recipe_files.load("qqq")


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (
            "[training]\nstep = 7\n",
            r"unknown key training\.step \(did you mean steps\?\); known here: steps, batch_tokens",
        ),
        ("[trainning]\nsteps = 7\n", r"unknown key trainning \(did you mean training\?\); known here: .*decoding"),
        ("[data.hub]\npath = 'a'\ncolumn = 'b'\n", r"unknown key data\.hub\.column .*known here: path, config"),
        ("[data.hub]\nconfig = 'a'\n", r"data\.hub\.path: Field required"),
        ("[training]\nsteps = 'many'\n", r"training\.steps: .*valid integer.* \(got 'many'\)"),
        ("[training]\nsteps = 0\n", r"training\.steps: .*greater than 0 \(got 0\)"),
        ("[training]\nsteps = 1.5\n", r"training\.steps: .*integer.* \(got 1\.5\)"),
        ("[training]\nlearning_rate = nan\n", r"training\.learning_rate: .*finite number"),
        ("[model]\ndropout = 1.0\n", r"model\.dropout: .*less than 1 \(got 1\.0\)"),
        ("[model]\nnorm = 'mid'\n", r"model\.norm: .*'post' or 'pre' \(got 'mid'\)"),
        ("[model]\nd_model = 30\nn_heads = 4\n", "model: n_heads = 4 does not divide d_model = 30"),
        ("[model]\nd_model = 9\nn_heads = 3\n", "d_model = 9 is odd"),
        ("[tokenizer]\njoint = false\n", 'model.tie = "all" needs one vocabulary: set tokenizer.joint = true'),
        ("[data]\nmax_length = 300\n", r"data\.max_length = 300 exceeds model\.max_length = 256"),
        (
            "[training]\nbatch_tokens = 100\n",
            r"training\.batch_tokens = 100 cannot hold one pair of data\.max_length = 128",
        ),
        ("training = 3\n", r"training: .*\(got 3\)"),
        ("[training\n", r"mine\.toml is not valid TOML: .*line 1"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(tmp_path: Path, contents: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message) as caught:
        recipe_files.load(_file(tmp_path, contents))
    assert "mine.toml" in str(caught.value)


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"no recipe file .*gone\.toml; `seqx recipes` lists"):
        recipe_files.load(str(tmp_path / "gone.toml"))
    (tmp_path / "latin.toml").write_bytes(b'summary = "d\xe9j\xe0"\n')
    with pytest.raises(RecipeError, match=r"cannot read recipe file .*latin\.toml"):
        recipe_files.load(str(tmp_path / "latin.toml"))
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(RecipeError, match=r"cannot read recipe file .*folder\.toml"):
        recipe_files.load(str(tmp_path / "folder.toml"))


@pytest.mark.parametrize(
    ("override", "key", "expected"),
    [
        ("training.steps=2000", "training.steps", 2000),
        ("training.steps = 2_000 ", "training.steps", 2000),
        ("training.steps=2e3", "training.steps", 2000),
        ("training.learning_rate=3e-4", "training.learning_rate", 3e-4),
        ("training.learning_rate=1", "training.learning_rate", 1.0),
        ("optimizer.betas=[0.9, 0.99]", "optimizer.betas", (0.9, 0.99)),
        ("model.norm=pre", "model.norm", "pre"),
        ('model.norm="pre"', "model.norm", "pre"),
        ("data.corpus=my corpus", "data.corpus", "my corpus"),
        ("data.corpus=a=b", "data.corpus", "a=b"),
        ("data.corpus=2014", "data.corpus", "2014"),
        ("tokenizer.byte_fallback=false", "tokenizer.byte_fallback", False),
        ("data.corpora=[]", "data.corpora", ()),
        ("data.hub.path=owner/name", "data.hub.path", "owner/name"),
    ],
)
def test_a_value_given_with_set_has_the_type_of_its_key(tmp_path: Path, override: str, key: str, expected: Any) -> None:
    value = _value(recipe_files.load(_file(tmp_path, '[data]\ncorpus = "own"\n'), [override]), key)
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("training.steps", r"--set training\.steps: write it as section\.key=value"),
        ("steps=3", r"--set steps=3: write it as section\.key=value"),
        ("training.=3", r"write it as section\.key=value"),
        ("name.first=x", r"--set name\.first=x: name holds a value, not keys; sections are data"),
        ("training.stepz=3", r"unknown key training\.stepz \(did you mean steps\?\)"),
        ("training.steps=many", r"training\.steps: .*\(got 'many'\)"),
        ("model.tie=sometimes", r"model\.tie: .*'all', 'target' or 'none' \(got 'sometimes'\)"),
    ],
)
def test_a_value_that_cannot_be_set_is_named(tmp_path: Path, override: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        recipe_files.load(_file(tmp_path, 'name = "mine"\n'), [override])


def test_what_is_set_holds_on_the_bundled_corpus_too(tmp_path: Path) -> None:
    path = _file(tmp_path, '[data]\nbundled = "phrasebook"\n[fallback.training]\nsteps = 9\nwarmup_steps = 3\n')
    assert recipe_files.load(path).on_bundled().training.steps == 9
    made = recipe_files.load(path, ["training.steps=5"]).on_bundled()
    assert (made.training.steps, made.training.warmup_steps) == (5, 3)


def test_a_wrong_value_of_a_fallback_is_named(tmp_path: Path) -> None:
    path = _file(tmp_path, '[data]\nbundled = "phrasebook"\n[fallback.training]\nstep = 9\n')
    for overrides in ([], ["training.seed=3"]):
        with pytest.raises(RecipeError, match=r"recipe mine, \[fallback\]: unknown key training\.step \(did you mean"):
            recipe_files.load(path, overrides)


def test_differences_are_listed_by_key() -> None:
    one = recipe.Recipe(name="a")
    other = recipe.Recipe(name="b", training=recipe.Training(steps=5, learning_rate=0.1), data=recipe.Data(corpus="x"))
    assert recipe_files.differences(one, one) == []
    assert recipe_files.differences(one, other) == [
        'data.corpus: "phrasebook" -> "x"',
        "training.steps: 100000 -> 5",
        "training.learning_rate: null -> 0.1",
    ]


def test_a_recipe_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        recipe.Recipe().training.steps = 3  # type: ignore[misc]


def test_a_base_is_changed_by_what_stands_on_it(tmp_path: Path) -> None:
    (tmp_path / "below.toml").write_text(
        'summary = "below"\nscored = "99"\n[data]\ncorpora = [{name = "one", files = ["one.tsv"]}, {name = "two"}]\n'
        'bundled = "phrasebook"\n[optimizer]\nkind = "muon"\nmuon_learning_rate = 0.01\n[training]\nsteps = 7\n'
        "[fallback.training]\nsteps = 3\n"
    )
    above = tmp_path / "deeper" / "above.toml"
    above.parent.mkdir()
    above.write_text('base = "../below.toml"\n[training]\nseed = 3\n')
    made = recipe_files.load(above)
    assert (made.name, made.summary, made.scored) == ("above", "", "")
    assert (made.training.steps, made.training.seed) == (7, 3)
    assert made.data.corpora[0].files == (str(tmp_path / "one.tsv"),)
    above.write_text(
        'base = "../below.toml"\nunset = ["data.bundled", "fallback"]\n[optimizer]\nkind = "adam"\n[data]\n'
        'corpora = [{name = "three", files = ["three.tsv"]}]\n'
    )
    made = recipe_files.load(above)
    assert made.optimizer == Adam() and made.data.bundled is None and made.fallback == {}
    assert [corpus.files for corpus in made.data.corpora] == [(str(above.parent / "three.tsv"),)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('base = "mine.toml"\n', "its base leads back to it"),
        ('base = "fr-eng"\n', "no recipe named 'fr-eng' .did you mean fr-en"),
        ('base = "absent.toml"\n', "no recipe file"),
        ("base = 3\n", "base = 3: write the name"),
        ('unset = ["fallback"]\n', "base = None: write the name"),
        ('base = "fr-en"\nunset = ["data.hub"]\n', "unset names 'data.hub', which its base does not set"),
        ('base = "fr-en"\nunset = [3]\n', "unset names 3"),
        ('base = "fr-en"\nunset = "data.bundled"\n', "unset = 'data.bundled': write a list of keys"),
        ('base = "fr-en"\n[training]\ndecay_share = 0.2\n', "decay_share has no effect"),
    ],
)
def test_a_base_that_cannot_be_used_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        recipe_files.load(_file(tmp_path, text))


def test_bases_of_two_folders_that_lead_back_to_each_other_are_refused(tmp_path: Path) -> None:
    for own, other in (("one", "two"), ("two", "one")):
        (tmp_path / own).mkdir()
        (tmp_path / own / "mine.toml").write_text(f'base = "../{other}/mine.toml"\n')
    with pytest.raises(RecipeError, match="its base leads back to it"):
        recipe_files.load(tmp_path / "one" / "mine.toml")


@pytest.mark.parametrize(
    ("corpora", "message"),
    [
        ([{"name": "one"}, {"name": "one"}], "two corpora have this name"),
        ([{"name": "one", "share": 0.7}, {"name": "two", "share": 0.7}], "1.4 in all: they must not exceed 1"),
        ([{"name": "one", "share": 1.0}, {"name": "two"}], "are 1 without those that have none; give two a share too"),
        ([{"name": "one", "judged": False}], "none is judged"),
        ([{"name": "one", "files": ["a"], "dev_files": ["b"], "judged": False}], "no effect with judged = false"),
        ([{"name": "one", "tag": "<a>  <b>"}], "blanks at an end or in a row"),
        ([{"name": "one", "tag": "<a>\n"}], "blanks at an end or in a row"),
        ([{"name": "one", "dev_files": ["dev.tsv"]}], "go with files to train on"),
        ([{"name": "one", "files": ["a", "b", "c"]}], "a source and a target file, not 3"),
        ([{"name": "one", "files": ["a"], "hub": {"path": "b"}}], "hub has no effect with files"),
        ([{"name": "../one"}], "corpora.0.name"),
        ([{"name": "one", "weight": 1}], "corpora.0.weight"),
    ],
)
def test_corpora_that_do_not_fit_are_refused(corpora: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        validated({"data": {"corpora": corpora}}, "it")


def test_an_added_corpus_takes_its_share_from_the_others() -> None:
    general = recipe_files.load("fr-en-general")
    added = general.with_corpora([{"name": "ours", "files": ["ours.tsv"], "share": 0.3}]).data.corpora
    for corpus, own in zip(added, general.data.corpora):
        assert corpus.share == pytest.approx(0.7 * (own.share or 0))
    assert added[-1].share == 0.3
