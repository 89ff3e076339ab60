"""What becomes of a line: sentences, what holds no words, scores, draws, lists; by the command, whatever the engine."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from seq2seq.interop.ctranslate2.copy import PRECISIONS
from tests.support import tiny
from tests.support.command import Seqx
from tests.support.processes import piped

ENGINES = ("torch", "ctranslate2")
LINES = [source for source, _ in tiny.pairs(40, 9)]


def rows(seqx: Seqx, run: Path, lines: list[str], *options: str) -> list[dict[str, Any]]:
    """The JSON objects of some lines, without their time."""
    done = seqx("translate", "--run", run, "--json", *options, stdin="".join(line + "\n" for line in lines).encode())
    assert done.code == 0, done.err
    found = [json.loads(line) for line in done.out.splitlines()]
    for row in found:
        del row["seconds"]
    return found


@pytest.mark.parametrize("engine", ENGINES)
def test_sentences_of_a_line_are_translated_one_by_one(seqx: Seqx, trained: Path, engine: str) -> None:
    parts = ["un chat.", "deux chien rouge.", "trois chat."]
    line = "  ".join(parts)
    alone = [row["translation"] for row in rows(seqx, trained, parts, "--engine", engine)]
    split, copied = rows(seqx, trained, [line, "1. 2. 3."], "--engine", engine)
    assert split["translation"] == "  ".join(alone) and split["parts"] == 3
    assert copied["translation"] == "1. 2. 3." and copied["parts"] == 1
    assert len(split["pieces"]) == len(split["token_scores"])
    (kept,) = rows(seqx, trained, [line], "--engine", engine, "--sentences", "keep")
    assert kept["parts"] == 1


def test_a_model_of_longer_texts_reads_lines_whole_unless_told_otherwise(seqx: Seqx, own: Path) -> None:
    """An older run says nothing of its training text: its test set does."""
    line = "un chat. deux chien."
    record = json.loads((own / "run.json").read_text())
    style = record["pairs"].pop("source_style")
    record.pop("files")  # nor has it checksums
    assert style["lines"] >= 100 and style["several"] == 0
    (own / "run.json").write_text(json.dumps(record))
    (own / "test.jsonl").write_text(json.dumps({"source": line, "references": ["one cat. two dog."]}) + "\n")
    assert [rows(seqx, own, [line], "--sentences", rule)[0]["parts"] for rule in ("auto", "split", "keep")] == [1, 2, 1]
    Path("un.fr").write_text(line + "\n")
    Path("un.en").write_text("one cat. two dog.\n")
    given = ("--source-file", "un.fr", "--target-file", "un.en", "--output", "out.txt")
    for rule in ("auto", "split"):
        done = seqx("evaluate", "--run", own, *given, "--sentences", rule)
        assert done.code == 0, done.err
        alone = seqx("translate", "--run", own, "--sentences", rule, line)
        assert Path("out.txt").read_text() == alone.out
    (own / "test.jsonl").write_text("[")
    assert rows(seqx, own, [line])[0]["parts"] == 2


def test_a_rule_that_is_none_is_refused(seqx: Seqx, trained: Path) -> None:
    for command in (["translate", "un"], ["evaluate"], ["score", "--source-file", "a", "--target-file", "b"]):
        done = seqx(*command, "--run", trained, "--sentences", "each")
        assert done.code == 2 and "--sentences each: use auto, split or keep" in done.err


@pytest.mark.parametrize("engine", ENGINES)
def test_what_nobody_sees_changes_nothing(seqx: Seqx, trained: Path, engine: str) -> None:
    plain = ["un chat", "deux chien rouge", "quatre chat", "un chat l'un"]
    odd = ["u\u00adn\u200b cha\u2060t", "\ufeffdeux chi\u00aden rouge\u200e", "quatre\u200b chat\x07", "un chat l’un"]
    found, expected = (
        [row["translation"] for row in rows(seqx, trained, lines, "--engine", engine)] for lines in (odd, plain)
    )
    assert found == expected


@pytest.mark.parametrize("engine", ENGINES)
def test_what_holds_no_words_is_copied(seqx: Seqx, trained: Path, engine: str) -> None:
    lines = ["123", " 10:30 ", "— — —", "\U0001f600", "\u200b\u00ad", "", "3,5 %"]
    done = seqx("translate", "--run", trained, "--engine", engine, stdin="".join(f"{x}\n" for x in lines).encode())
    assert done.out.split("\n")[:-1] == ["123", " 10:30 ", "— — —", "\U0001f600", "", "", "3,5 %"]
    copied, blank = rows(seqx, trained, ["123", "\u200b"], "--engine", engine)
    assert (copied["copied"], copied["score"], copied["pieces"], copied["source"]) == (True, 0, [], "123")
    assert (blank["copied"], blank["translation"], blank["source"]) == (False, "", "\u200b")


def same(one: Any, other: Any) -> bool:
    """Whether values of JSON are the same, numbers but for rounding: on some processors products of matrices depend on
    the size of the batch in their last digits."""
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) < 1e-4
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(each, other[key]) for key, each in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


@pytest.mark.parametrize(
    ("engine", "precision"), [("torch", "float32"), *(("ctranslate2", each) for each in PRECISIONS)]
)
def test_a_score_is_the_same_whatever_stands_beside_the_line(
    seqx: Seqx, trained: Path, engine: str, precision: str
) -> None:
    """Most outputs of a model that has learnt little do not end by themselves, but at the limit of their line."""
    chosen = ("--engine", engine, "--precision", precision)
    for options in ([], ["--n-best", "2"]):
        together = rows(seqx, trained, LINES, *chosen, *options)
        for number in range(0, 40, 3 if engine == "ctranslate2" else 13):
            assert same(rows(seqx, trained, [LINES[number]], *chosen, *options), [together[number]])
    Path("source").write_text("".join(line + "\n" for line in [*LINES, "un chat. deux chien.", "12"]))
    Path("target").write_text("".join(row["translation"] + "\n" for row in together) + "one cat. two dog.\n12\n")
    given = ("score", "--run", trained, "--json", *chosen)
    scored = [
        json.loads(row) for row in seqx(*given, "--source-file", "source", "--target-file", "target").out.splitlines()
    ]
    for number in (3, 40):
        for name in ("source", "target"):
            Path("one").with_suffix(f".{name}").write_text(Path(name).read_text().splitlines()[number] + "\n")
        alone = seqx(*given, "--source-file", "one.source", "--target-file", "one.target")
        assert same(json.loads(alone.out), scored[number])
    assert scored[41]["score"] == 0


def test_a_line_is_scored_sentence_by_sentence_where_both_sides_have_as_many(seqx: Seqx, trained: Path) -> None:
    pairs = [
        ("un chat. deux chien rouge.", "one cat. two dog red."),
        ("un chat.", "one cat."),
        ("deux chien rouge.", "two dog red."),
        ("un chat. deux chien rouge.", "one cat, two dog red."),
    ]
    for side, name in enumerate(("source", "target")):
        Path(name).write_text("".join(pair[side] + "\n" for pair in pairs))

    def scored(rule: str) -> list[float]:
        given = ("--source-file", "source", "--target-file", "target", "--sentences", rule)
        done = seqx("score", "--run", trained, *given, "--json")
        return [json.loads(row)["log_probability"] for row in done.out.splitlines()]

    auto, split, keep = map(scored, ("auto", "split", "keep"))
    assert auto == split and split[0] == pytest.approx(split[1] + split[2]) != keep[0]
    assert split[1:] == keep[1:]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_list_is_numbered_and_holds_each_text_once(seqx: Seqx, trained: Path, engine: str) -> None:
    lines = [*LINES[:12], "", "123"]
    stdin = "".join(line + "\n" for line in lines).encode()
    done = seqx("translate", "--run", trained, "--engine", engine, "--n-best", "4", stdin=stdin)
    listed = [row.split(" ||| ") for row in done.out.splitlines()]
    for number in range(12):
        texts = [text for line, text, _ in listed if int(line) == number]
        scores = [float(score) for line, _, score in listed if int(line) == number]
        assert len(texts) == len(set(texts)) == 4
        assert scores == sorted(scores, reverse=True)
    assert listed[-2:] == [["12", "", "0.0000"], ["13", "123", "0.0000"]]


def test_a_line_draws_by_its_number_and_the_seed_alone(seqx: Seqx, trained: Path) -> None:
    drawing = ("translate", "--run", trained, "--sample", "--seed", "1")
    Path("same.txt").write_text("un chat\n" * 48)
    of_file = seqx(*drawing, "--input", "same.txt").out
    assert of_file == seqx(*drawing, stdin=b"un chat\n" * 48).out == seqx(*drawing, *["un chat"] * 48).out
    draws = of_file.splitlines()
    assert len(set(draws)) > 12
    assert draws[:16] != draws[16:32] and draws[16:32] != draws[32:]
    others = "".join(random.Random(1).choices(["deux chien rouge un deux trois\n", "chat\n", "\n"], k=30))
    Path("other.txt").write_text(others + "un chat\n" * 18)
    assert seqx(*drawing, "--input", "other.txt").out.splitlines()[30:] == draws[30:]
    assert seqx(*drawing[:-1], "2", "--input", "same.txt").out != of_file


def test_lines_that_come_one_by_one_draw_as_a_file_does(seqx: Seqx, trained: Path) -> None:
    of_file = seqx("translate", "--run", trained, "--sample", "--seed", "1", stdin=b"un chat\n" * 8).out
    with piped("translate", "--run", trained, "--sample", "--seed", "1") as process:
        assert process.stdin and process.stdout
        answers = b""
        for _ in range(8):
            process.stdin.write(b"un chat\n")
            process.stdin.flush()
            answers += process.stdout.readline()
    assert answers.decode() == of_file


def test_the_library_does_as_the_command_does(trained: Path) -> None:
    import seq2seq
    from seq2seq.errors import ArgumentError

    line = "un chat. deux chien rouge."
    split, whole = (seq2seq.load(trained, sentences=rule) for rule in ("split", "keep"))
    assert isinstance(split, seq2seq.Translator) and isinstance(whole, seq2seq.Translator)
    assert split.translate(line) == " ".join(split.translate(["un chat.", "deux chien rouge."]))
    assert split.translate(line) != whole.translate(line)
    scores = whole.score(LINES, LINES)
    assert [whole.score(each, each) for each in LINES[:5]] == scores[:5]
    with pytest.raises(ArgumentError, match="sentences = 'each': give one of auto, split, keep"):
        seq2seq.load(trained, sentences="each")
