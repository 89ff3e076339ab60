"""`seqx translate` and `seqx score`: line i of the output translates line i of the input."""

from __future__ import annotations

import json
from pathlib import Path
from string import ascii_lowercase

import pytest

from seq2seq.data.tokenizer import EOS
from seq2seq.storage.tensors import read_weights, save_weights
from tests.support.command import Seqx
from tests.support.finished_translators import add_copy, finished

TEXT = "un chat\n\ndeux chiens rouges\n   \ntrois\u2028quatre\x0b\x0cun\x85chat\nchat"


def test_text_file_and_standard_input_give_the_same(seqx: Seqx, trained: Path, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_bytes(TEXT.encode())
    piped = seqx("translate", "--run", trained, stdin=TEXT.encode())
    written = seqx("translate", "--run", trained, "--input", "in.txt", "--output", "out.txt")
    spoken = seqx("translate", "--run", trained, *TEXT.split("\n"))
    assert piped.code == written.code == spoken.code == 0
    assert (tmp_path / "out.txt").read_text(encoding="utf-8") == piped.out == spoken.out
    assert written.out == ""


def test_every_line_has_its_line_and_blank_lines_stay_blank(seqx: Seqx, trained: Path) -> None:
    lines = seqx("translate", "--run", trained, stdin=TEXT.encode()).out.removesuffix("\n").split("\n")
    assert len(lines) == 6
    assert lines[1] == lines[3] == ""
    alone = [seqx("translate", "--run", trained, line).out.removesuffix("\n") for line in TEXT.split("\n")]
    assert lines == alone


def test_json_says_scores_alternatives_and_time(seqx: Seqx, trained: Path) -> None:
    done = seqx("translate", "--run", trained, "--json", "--n-best", "2", "un chat rouge")
    row = json.loads(done.out)
    assert row["source"] == "un chat rouge"
    assert len(row["alternatives"]) == 1
    assert row["score"] >= row["alternatives"][0]["score"]
    assert row["log_probability"] == pytest.approx(sum(row["token_scores"]))
    assert len(row["pieces"]) == len(row["token_scores"])
    assert row["seconds"] > 0


def test_n_best_shows_scores_in_order(seqx: Seqx, trained: Path) -> None:
    rows = [
        line.split(" ||| ") for line in seqx("translate", "--run", trained, "--n-best", "3", "un chat").out.splitlines()
    ]
    scores = [float(score) for _, _, score in rows]
    assert len(rows) == 3 and scores == sorted(scores, reverse=True)
    assert {number for number, _, _ in rows} == {"0"}


def test_sampling_repeats_with_its_seed_alone(seqx: Seqx, trained: Path) -> None:
    def draw(seed: str) -> str:
        return seqx("translate", "--run", trained, "--sample", "--seed", seed, "--n-best", "4", "un chat").out

    assert draw("1") == draw("1") != draw("2")


@pytest.mark.parametrize("engine", ["torch", "ctranslate2"])
def test_score_agrees_with_what_translate_reported(seqx: Seqx, tmp_path: Path, engine: str) -> None:
    """By a model of letters: what it writes has one segmentation, so that the tokens that are scored are its own."""
    (tmp_path / "letters").mkdir()
    run = finished(tmp_path / "letters", alphabet=ascii_lowercase)
    weights = read_weights(run.weights)
    weights["target_embedding.weight"][EOS, 0] = 1.0  # longer outputs
    save_weights(weights, run.weights)
    add_copy(run, [("abc", "cba"), ("hello", "olleh")])
    sources = ["abc", "hello", "why", "zyxwvut", "q"]
    given = ("--run", run.path, "--engine", engine, "--precision", "float32")
    lines = "".join(f"{line}\n" for line in sources).encode()
    done = seqx("translate", *given, "--json", "--n-best", "20", "--beam-size", "20", stdin=lines)
    assert done.code == 0, done.err
    rows = [json.loads(line) for line in done.out.splitlines()]
    listed = [(row["source"], each) for row in rows for each in (row, *row["alternatives"])]
    found = [(source, each) for source, each in listed if len(each["pieces"]) > 1]  # an empty text has no score
    texts = ["".join(each["pieces"][:-1]) for _, each in found]
    assert len(found) > 90 and max(map(len, texts)) > 2
    (tmp_path / "source").write_text("".join(f"{source}\n" for source, _ in found) + "\n")
    (tmp_path / "target").write_text("".join(f"{text}\n" for text in texts) + "\n")
    done = seqx("score", *given, "--source-file", "source", "--target-file", "target")
    assert done.code == 0, done.err
    *scores, blank = done.out.splitlines()
    assert blank == "nan" and "1 lines have no score" in done.err
    assert [float(score) for score in scores] == pytest.approx([each["score"] for _, each in found], abs=1e-4)


def test_a_line_too_long_for_the_model_is_translated_in_parts(seqx: Seqx, trained: Path) -> None:
    text = "un chat rouge. " * 30
    row = json.loads(seqx("translate", "--run", trained, "--json", text).out)
    assert row["parts"] > 1
    one = json.loads(seqx("translate", "--run", trained, "--json", "un chat rouge.").out)
    assert one["parts"] == 1


def test_output_is_whole_or_not_written(seqx: Seqx, trained: Path, tmp_path: Path) -> None:
    (tmp_path / "out.txt").write_text("what was there\n")
    (tmp_path / "in.txt").write_bytes(b"un chat\n" * 2100 + b"caf\xe9\n")
    done = seqx("translate", "--run", trained, "--input", "in.txt", "--output", "out.txt", "--beam-size", "1")
    assert done.code == 1
    assert "in.txt, line 2101: byte 0xe9 is not UTF-8" in done.err and "--encoding cp1252" in done.err
    assert (tmp_path / "out.txt").read_text() == "what was there\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.txt", "out.txt"]
    again = seqx(
        "translate",
        "--run",
        trained,
        "--input",
        "in.txt",
        "--output",
        "out.txt",
        "--encoding-errors",
        "replace",
        "--beam-size",
        "1",
    )
    assert again.code == 0
    assert (tmp_path / "out.txt").read_text().count("\n") == 2101


def test_a_slow_writer_is_answered_line_by_line() -> None:
    import threading

    from cli.lines import windows

    answered = threading.Event()

    def slow():  # type: ignore[no-untyped-def]
        yield "first"
        assert answered.wait(5), "the second line came only after the first was answered"
        yield "second"

    groups = windows(slow(), size=100, most=100)
    assert next(groups) == ["first"]
    answered.set()
    assert next(groups) == ["second"]
    assert list(groups) == []


def test_windows_keep_order_and_lose_nothing() -> None:
    from cli.lines import windows

    lines = [str(number) for number in range(1000)]
    groups = list(windows(lines, size=64, most=10_000))
    assert [line for group in groups for line in group] == lines
    assert max(map(len, groups)) <= 64


def test_windows_end_with_many_characters_too() -> None:
    from cli.lines import windows

    lines = [f"{number}" * 500 for number in range(10)]
    groups = list(windows(lines, size=64, most=1200))
    assert [line for group in groups for line in group] == lines
    assert max(map(len, groups)) <= 3


def test_who_takes_no_more_windows_ends_the_reading() -> None:
    import threading

    from cli.lines import windows

    before = set(threading.enumerate())
    groups = windows((str(number) for number in range(10**9)), size=10, most=100)
    next(groups)
    groups.close()  # type: ignore[attr-defined]
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
        assert not thread.is_alive()


@pytest.mark.parametrize("count", ["1", "2"])
def test_a_file_is_cut_by_its_lines_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: str) -> None:
    """What has arrived differs from time to time, and from process to process; in another window a line has other
    neighbours, and may come out otherwise."""
    from cli.translate import line_groups
    from seq2seq.data.lines import PLAIN
    from seq2seq.decoding.translation.windows import windows_of

    rows = [str(number) for number in range(5000)]
    (tmp_path / "in.txt").write_text("".join(f"{row}\n" for row in rows))
    for name, value in (("MASTER_ADDR", "localhost"), ("WORLD_SIZE", count)):
        monkeypatch.setenv(name, value)
    assert list(line_groups(None, tmp_path / "in.txt", PLAIN) or ()) == list(windows_of(rows, 2000))
