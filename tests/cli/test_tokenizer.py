"""`seqx tokenizer compare` and `seqx tokenizer show`."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from cli import tokenizer as command
from cli.console import Console
from seq2seq import recipe
from seq2seq.data import tokenizers
from seq2seq.run import Run
from tests.support.command import Seqx
from tests.support.samples import pairs

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def text(tmp_path: Path) -> Path:
    file = tmp_path / "text.txt"
    file.write_text("".join(f"{source}\n{target}\n\n" for source, target in pairs(300)), encoding="utf-8")
    return file


@pytest.fixture
def unreachable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # where nothing answers


def rows(table: str) -> dict[tuple[str, str], list[str]]:
    """The figures of a table by tokenizer and vocabulary."""
    cells = (line.split() for line in table.splitlines())
    return {(row[0], row[1]): row[2:] for row in cells if len(row) > 3 and row[1].replace(",", "").isdigit()}


def test_compare_shows_each_kind_at_each_size(seqx: Seqx, text: Path, unreachable: None) -> None:
    done = seqx("tokenizer", "compare", text, "--vocabulary", "600, 400,90000")
    assert done.code == 0, done.err
    found = rows(done.out)
    for kind in ("bpe", "unigram", "byte-bpe"):
        assert (kind, "400") in found and (kind, "600") in found
        assert float(found[kind, "600"][0]) < float(found[kind, "400"][0])
        assert f"Not measured: {kind} 90,000: the text is too small" in done.out
    assert found["byte", "260"][1:3] == ["1.000", "1.00"]
    assert len([kind for kind, _ in found if kind == "character"]) == 1
    assert "Not measured: tiktoken:gpt2: the tiktoken encoding gpt2 could not be downloaded" in done.out
    assert "540 lines, measured on 60 held out" in done.out
    assert "d_model 256" in done.out and "6 layers" in done.out and "12 x d_model²" in done.out
    assert max(map(len, done.out.splitlines()[2:10])) < 80
    assert "Measuring unigram" in done.err and "Measuring" not in done.out


def test_compare_writes_json(seqx: Seqx, text: Path) -> None:
    done = seqx(
        *("tokenizer", "compare", text, "--kinds", "byte,bpe", "--vocabulary", "400,90000"),
        *("--d-model", "10", "--layers", "1", "--json", "--quiet"),
    )
    assert (done.code, done.err) == (0, "")
    values = json.loads(done.out)
    byte, bpe = values["measured"]
    assert values["model"] == {"d_model": 10, "layers": 1}
    assert (byte["kind"], bpe["kind"], bpe["vocabulary"]) == ("byte", "bpe", 400)
    assert byte["embedding_share"] == pytest.approx(2600 / (2600 + 1200))
    assert bpe["tokens_per_line"] == bpe["tokens"] / bpe["lines"]
    (missing,) = values["missing"]
    assert (missing["kind"], missing["vocabulary"]) == ("bpe", 90000)


@pytest.mark.parametrize(("name", "begins"), [("sizes.png", b"\x89PNG\r\n"), ("sizes.svg", b"<?xml")])
def test_compare_draws(seqx: Seqx, text: Path, tmp_path: Path, name: str, begins: bytes) -> None:
    done = seqx("tokenizer", "compare", text, "--kinds", "byte,byte-bpe", "--vocabulary", "300,400", "--plot", name)
    assert done.code == 0, done.err
    assert (tmp_path / name).read_bytes().startswith(begins)
    assert f"Written: {name}" in done.err


def test_unknown_characters_are_counted(seqx: Seqx, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("abc\n" * 19 + "abØ\n", encoding="utf-8")
    done = seqx("tokenizer", "compare", tmp_path / "text.txt", "--kinds", "character", "--vocabulary", "100")
    assert "1 (16.67%)" in done.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--kinds", "bpe,unigramm"], "--kinds unigramm: no such tokenizer (did you mean unigram?); there are: bpe,"),
        (["--kinds", "bpe:gpt2"], "--kinds bpe:gpt2: no such tokenizer"),
        (["--vocabulary", "1k"], "--vocabulary 1k: give whole numbers from 5 on, with commas"),
        (["--vocabulary", "4,500"], "--vocabulary 4,500: give whole numbers from 5 on"),
        (["--plot", "sizes.pdf"], "--plot sizes.pdf: name a file that ends in .png or .svg"),
    ],
)
def test_compare_usage_errors(seqx: Seqx, text: Path, arguments: list[str], message: str) -> None:
    done = seqx("tokenizer", "compare", text, *arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"seqx: {message}") and done.err.count("\n") == 1


def test_compare_bad_input(seqx: Seqx, text: Path, tmp_path: Path, unreachable: None) -> None:
    (tmp_path / "small.txt").write_text("one\ntwo\n")
    for arguments, message in (
        (["none.txt"], "no file none.txt"),
        (["small.txt"], "too little text to hold a tenth of it out: 2 lines"),
        ([text, "--kinds", "tiktoken", "--quiet"], "the tiktoken encoding gpt2 could not be downloaded"),
        ([text, "--kinds", "tiktoken:gpt", "--quiet"], "tiktoken has no encoding 'gpt' (did you mean gpt2?)"),
    ):
        done = seqx("tokenizer", "compare", *arguments)
        assert (done.code, done.out) == (1, "")
        assert done.err.startswith(f"seqx: {message}") and done.err.count("\n") <= 2


def test_show_cuts_by_bars_where_there_are_no_colours(seqx: Seqx) -> None:
    done = seqx("tokenizer", "show", "né\n[b]", "--kind", "byte")
    assert done.code == 0, done.err
    pieces, ids, counts = done.out.splitlines()
    assert pieces == "<0x6E>│<0xC3>│<0xA9>│<0x0A>│<0x5B>│<0x62>│<0x5D>"
    assert ids == "114 199 173 14 95 102 97"
    assert counts == "7 tokens, 6 characters, 7 bytes: 1.00 bytes per token (byte, vocabulary 260)"


def test_show_trains_on_the_text_given(seqx: Seqx, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("the hat\n" * 20)
    given = ("--file", "text.txt", "--vocabulary")
    assert seqx("tokenizer", "show", "the hat", "--kind", "byte-bpe", *given, "265").out.startswith("the│ hat\n")
    done = seqx("tokenizer", "show", "a dog\t", "--kind", "character", *given, "90")
    assert done.out.startswith("a│ │\ufffd│\ufffd│\ufffd│\ufffd\n")
    assert "; 4 unknown (character" in done.out


def test_show_colours_the_pieces_in_turn_on_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.delenv("NO_COLOR", raising=False)
    command.write_pieces(Console(), "bytes", tokenizers.Characters("ab [/]"), "ab [/]")
    pieces, ids, _ = capsys.readouterr().out.splitlines()
    assert "│" not in pieces
    colours = [part.split("m")[0] for part in pieces.split("\x1b[")[1::2]]
    assert len(colours) == 6 and all(one != other for one, other in pairwise(colours))
    assert [part.split("m")[0] for part in ids.split("\x1b[")[1::2]] == colours


def test_show_takes_the_newest_finished_run(seqx: Seqx, tmp_path: Path) -> None:
    lines = [side for pair in pairs(300) for side in pair]
    for name, size in (("old", 300), ("new", 400)):
        run = Run(tmp_path / "runs" / name)
        run.path.mkdir(parents=True)
        (run.path / "recipe.toml").write_text(f"[tokenizer]\nvocabulary_size = {size}\n")
        tokenizers.save(tokenizers.train(recipe.Tokenizer(vocabulary_size=size), lines), run.path)
        run.weights.write_bytes(b"")
        run.note(finished="then")
    newest = seqx("tokenizer", "show", lines[0])
    assert "(runs/new, bpe, vocabulary 400)" in newest.out
    named = seqx("tokenizer", "show", lines[0], "--run", "runs/old")
    assert "(runs/old, bpe, vocabulary 300)" in named.out
    expected = tokenizers.read(tmp_path / "runs" / "old").encode([lines[0]])[0]
    assert named.out.splitlines()[1] == " ".join(map(str, expected))


def test_show_shows_both_tokenizers_of_a_run_that_has_two(seqx: Seqx, tmp_path: Path) -> None:
    run = Run(tmp_path / "two")
    run.path.mkdir()
    (run.path / "recipe.toml").write_text('[tokenizer]\nkind = "character"\njoint = false\n[model]\ntie = "target"\n')
    for stem, alphabet in (("tokenizer.source", "ab"), ("tokenizer.target", "bcd")):
        tokenizers.save(tokenizers.Characters(alphabet), run.path, stem)
    run.weights.write_bytes(b"")
    done = seqx("tokenizer", "show", "b", "--run", "two")
    assert "(two, character, fr, vocabulary 6)" in done.out and "(two, character, en, vocabulary 7)" in done.out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 1, "no trained model under runs/ to tokenize with"),
        (["--run", "nowhere"], 1, "no run folder nowhere"),
        (["--kind", "bpe"], 2, "--kind bpe learns from text: name it with --file"),
        (["--kind", "bqe"], 2, "--kind bqe: no such tokenizer (did you mean bpe?)"),
        (["--kind", "byte", "--run", "some"], 2, "both --run some and --kind byte were given; give one"),
        (["--vocabulary", "300"], 2, "--file and --vocabulary go with --kind"),
        (["--kind", "bpe", "--file", "none.txt"], 1, "no file none.txt"),
    ],
)
def test_show_bad_input(seqx: Seqx, arguments: list[str], code: int, message: str) -> None:
    done = seqx("tokenizer", "show", "some text", *arguments)
    assert (done.code, done.out) == (code, "")
    assert done.err.startswith(f"seqx: {message}") and done.err.count("\n") == 1


def test_help_imports_nothing_heavy_and_has_examples() -> None:
    check = (
        "import sys; sys.argv = ['seqx', 'tokenizer', sys.argv[1], '--help']\nfrom cli.main import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "sys.exit(bool({'torch', 'matplotlib', 'tiktoken', 'tokenizers', 'sentencepiece'} & set(sys.modules)))"
    )
    for verb in ("compare", "show"):
        done = subprocess.run([sys.executable, "-c", check, verb], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0
        assert f"seqx tokenizer {verb}" in done.stdout
