"""The page of a run: all that is on record, nothing else, and nothing that acts."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seq2seq.errors import RunError
from seq2seq.evaluation.parts import Table
from seq2seq.recipe import files
from seq2seq.report import provenance
from seq2seq.report.attention_page import captioned
from seq2seq.report.of_run import NAME, report, write
from seq2seq.run import Run
from tests.support import reported
from tests.support.attention import of_translator
from tests.support.reported import Page, kept, light, policy

ATTENTION = captioned(of_translator())
RUNS = ("pairs", "text", "labels", "policy", "kept pairs", "kept text", "kept stopped")


@pytest.fixture
def runs(
    request: pytest.FixtureRequest, trained: Path, trained_text: Path, trained_classifier: Path, tmp_path: Path
) -> Path:
    """A run of a kind that may be changed, without its weights."""
    of_tests = {"pairs": trained, "text": trained_text, "labels": trained_classifier}
    if request.param in of_tests:
        return light(of_tests[request.param], tmp_path)
    if request.param == "policy":
        return policy(tmp_path / "policy")
    names = {"kept pairs": "translator", "kept text": "text", "kept stopped": "translator-stopped"}
    return kept(names[request.param], tmp_path)


every_run = pytest.mark.parametrize("runs", RUNS, indirect=True)


def numbers(values: Any) -> Iterator[float]:
    if isinstance(values, dict | list):
        for each in values.values() if isinstance(values, dict) else values:
            yield from numbers(each)
    elif isinstance(values, int | float) and not isinstance(values, bool):
        yield values


def said(value: float) -> str:
    return f"{value:.6g}" if isinstance(value, float) else f"{value:,}"


@every_run
def test_every_score_on_record_is_on_the_page(runs: Path) -> None:
    page = Page(report(Run(runs)))
    record = json.loads((runs / "run.json").read_text())
    figures = list(numbers(record.get("scores", {})))
    assert figures or "finished" not in record
    for value in figures:
        assert said(value) in page.text, value


@every_run
def test_curves_run_from_the_first_to_the_last_figure_of_the_logs(runs: Path) -> None:
    page = Page(report(Run(runs)))
    lines = {line["data-name"]: line["data-values"].split() for line in page.of("polyline")}
    kept_updates, judged = (reported.read_rows(runs / name) for name in ("updates.jsonl", "metrics.jsonl"))
    assert judged, "a run without a validation has no curves"
    rates = [row["learning_rate"] for row in kept_updates or judged if "learning_rate" in row]
    ends = [float(point.partition(",")[2]) for point in (lines["learning rate"][0], lines["learning rate"][-1])]
    assert ends == pytest.approx([rates[0], rates[-1]], rel=1e-5)
    for name in ("loss", "bleu", "accuracy", "reward"):
        if values := [row[f"dev_{name}"] for row in judged if f"dev_{name}" in row]:
            assert f"{len(values)} points, from " in page.text
            assert any(
                line["data-name"] == "dev" and line["data-values"].endswith(f",{values[-1]:.6g}")
                for line in page.of("polyline")
            ), name


@every_run
def test_the_same_run_gives_the_same_page(runs: Path) -> None:
    assert report(Run(runs)) == report(Run(runs))


@every_run
def test_what_a_folder_lacks_is_left_out_and_the_rest_is_shown(runs: Path) -> None:
    whole = Page(report(Run(runs)))
    for name in ("test.jsonl", "test.translations.txt", "faults.jsonl", "updates.jsonl", "metrics.jsonl"):
        (runs / name).unlink(missing_ok=True)
        assert "Machine and versions" in report(Run(runs))
    record = json.loads((runs / "run.json").read_text())
    for key in list(record):
        del record[key]
        (runs / "run.json").write_text(json.dumps(record))
        assert "Left out" not in report(Run(runs)), key
    (runs / "run.json").unlink()
    bare = Page(report(Run(runs)))
    assert "Recipe" in bare.text and len(bare.elements) < len(whole.elements) / 2


@every_run
def test_what_is_damaged_is_named_and_the_rest_is_shown(runs: Path) -> None:
    record = json.loads((runs / "run.json").read_text())
    damaged = {**record, "scores": {"typed": {"set": 5}}, "prompts": {"dropped": 3}}
    (runs / "run.json").write_text(json.dumps(damaged))
    with (runs / "metrics.jsonl").open("a") as file:
        file.write('nonsense\n[1]\n{"step": "x", "dev_loss": true, "samples": [3]}\n')
        file.write('{"step": NaN, "dev_loss": 1e999, "dev_bleu": 1' + "0" * 400 + '}\n{"step": 9')
    text = Page(report(Run(runs))).text
    assert "Left out, because files are damaged" in text and "Machine and versions" in text
    assert "Learning rate" in text and "nan" not in text.lower().split()
    (runs / "run.json").write_text("{")
    with pytest.raises(RunError, match="is damaged"):
        report(Run(runs))


HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)' x='",
    "</style></script><b>",
    "{{ 7 * 191 }}{% raw %}&lt;",
    "\x1b[31m\x07\u202ereversed",
)


@every_run
def test_text_of_strangers_is_text(runs: Path, tmp_path: Path) -> None:
    """In the record, the logs, the sentences and the name of the folder."""
    clean = Page(report(Run(runs), [ATTENTION]))
    for payload in HOSTILE:
        strange = Path(shutil.copytree(runs, tmp_path / "strange" / f"a {payload.replace('/', '')} b"))
        reported.change_text(strange, lambda text, added=payload: text + added)
        words = captioned(of_translator(payload, (payload, payload), (payload, payload), output=payload))
        made = report(Run(strange), [words])
        page = Page(made)
        # Words may differ now that did not, or the other way round; moments of time are none any more; cells are long.
        new = {shape for shape in page.shapes - clean.shapes if shape[0] not in ("td", "th")}
        assert new <= {("mark", "class"), ("span", "class"), ("ul", "class")}
        assert not {name for tag, *names in page.shapes for name in names if name.startswith("on") or name == "src"}
        assert page.inline == clean.inline and "1337" not in page.text
        assert not any(ord(letter) < 32 and letter != "\n" for letter in made) and "\u202e" not in made
        shown = payload if payload.isprintable() else "\\x1b[31m\\x07\\u202ereversed"
        assert " ".join(shown.split()) in page.text


@every_run
def test_the_page_asks_no_host_and_runs_no_other_script(runs: Path) -> None:
    page = Page(report(Run(runs), [ATTENTION]))
    assert {*page.inline} == {"style", "script"} and len(page.of("script")) == len(page.of("style")) == 1
    policy = next(each["content"] for each in page.of("meta") if each.get("http-equiv") == "Content-Security-Policy")
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    for kind in ("style", "script"):
        checksum = base64.b64encode(hashlib.sha256(page.inline[kind].encode()).digest()).decode()
        assert rules[f"{kind}-src"] == f"'sha256-{checksum}'"
    assert not any(name in attributes for _, attributes in page.elements for name in ("src", "style", "onclick"))
    assert all(link["href"].startswith("#") for link in page.of("a"))
    assert "@import" not in page.inline["style"] and "url(" not in page.inline["style"]


def test_a_section_of_attention_is_there_where_attention_is_given(tmp_path: Path) -> None:
    run = Run(policy(tmp_path / "policy"))
    without, page = Page(report(run)), Page(report(run, [ATTENTION]))
    assert "où est la gare ? → Where is it?" in page.text and "où est" not in without.text
    assert [div for div in page.of("div") if "data-maps" in div] and "data-maps" not in str(without.elements)


def test_steps_of_validations_are_whole_numbers(tmp_path: Path) -> None:
    text = report(Run(policy(tmp_path / "policy")))
    table = Page(text[text.index("The validations as a table") :].split("</details>")[0])
    assert [cell["data-value"] for cell in table.of("th") if "data-value" in cell] == ["4", "8"]
    assert "4.0" not in table.text.split() and "8.0" not in table.text.split()


@pytest.mark.parametrize("runs", ["pairs"], indirect=True)
def test_the_choice_of_a_head_for_alignments_is_no_text(runs: Path) -> None:
    before = report(Run(runs))
    record = json.loads((runs / "run.json").read_text())
    (runs / "run.json").write_text(json.dumps(record | {"alignment": {"layer": 1, "head": None, "pairs": 200}}))
    assert report(Run(runs)) == before


@pytest.mark.parametrize("runs", ["pairs"], indirect=True)
def test_words_that_differ_from_the_reference_are_marked(runs: Path) -> None:
    sentences = reported.read_rows(runs / "test.jsonl")
    outputs = [sentence["references"][0] for sentence in sentences]
    outputs[3] += " and_zebras"
    (runs / "test.translations.txt").write_text("".join(f"{output}\n" for output in outputs))
    text = report(Run(runs))
    worst = text[text.index("Farthest from the reference") :]
    assert worst.index('<mark class="other">and_zebras</mark>') < worst.index("Closest to the reference")


def test_a_policy_shows_what_it_gained_for_how_far_it_went(tmp_path: Path) -> None:
    page = Page(report(Run(policy(tmp_path / "policy"))))
    lines = {line["data-name"]: line["data-values"] for line in page.of("polyline")}
    assert lines["policy"].split()[-1] in ("1.87083,0.5", "1.87083,0.25")  # the square root of 3.5 nats
    assert lines["best of 1 to 2"].startswith("0,")
    assert "non-finite gradient" in page.text and "too long" in page.text and "ab" * 32 in page.text


def test_values_within_values_of_a_recipe_have_rows_of_their_own() -> None:
    (table,) = (part for part in provenance.recipe(files.load("fr-en-general")) if isinstance(part, Table))
    rows = {row[0]: row[1:] for row in table.rows}
    assert rows["optimizer.kind"] == ("muon", "adam") and rows["data.corpora[2].name"] == ("europarl", "")
    assert rows["data.corpora[2].hub.dev"] == ("train[:2000]", "validation")
    cleaned = files.load("fr-en", ["data.cleaning=true"])
    (table,) = (part for part in provenance.recipe(cleaned) if isinstance(part, Table))
    assert ("data.cleaning", "true", "none") in table.rows
    assert not any("{" in str(cell) for row in table.rows for cell in row)


def test_a_long_run_has_a_small_page(tmp_path: Path) -> None:
    run = policy(tmp_path / "policy")
    (row, *_) = reported.read_rows(run / "updates.jsonl")
    (judged, *_) = reported.read_rows(run / "metrics.jsonl")
    judged["samples"] *= 5
    reported.write_rows(run / "updates.jsonl", [{**row, "step": step} for step in range(1, 3000)])
    reported.write_rows(run / "metrics.jsonl", [{**judged, "step": step} for step in range(4, 3000, 4)])
    reported.write_rows(run / "faults.jsonl", [{"step": 3, "kind": "skipped", "message": "x" * 9000}] * 5000)
    assert len(report(Run(run)).encode()) < 1 << 20


def test_a_run_that_is_being_judged_is_finished(tmp_path: Path) -> None:
    run = Run(policy(tmp_path / "policy"))
    with run.locked():
        inside = report(run)
    assert inside == report(run) and "finished" in Page(inside).text


def test_it_is_written_whole_and_through_no_link(tmp_path: Path) -> None:
    run = policy(tmp_path / "policy")
    assert write(Run(run)).read_text(encoding="utf-8") == report(Run(run))
    (run / NAME).unlink()
    (tmp_path / "precious").write_text("precious")
    (run / NAME).symlink_to(tmp_path / "precious")
    with pytest.raises(RunError, match="link that leads out of the run folder"):
        write(Run(run))
    assert (tmp_path / "precious").read_text() == "precious"
