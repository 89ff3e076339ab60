"""A test set translated and scored, and the test set that a run folder holds."""

from __future__ import annotations

import hashlib
import json
import time
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean
from typing import Any

from seq2seq.data.folding import fold
from seq2seq.data.lines import PLAIN, Reading, read_lines, read_pairs
from seq2seq.data.pairs import PairSource
from seq2seq.data.rows import must_hold_text
from seq2seq.data.timeouts import size_of, within
from seq2seq.decoding.options import SearchOptions
from seq2seq.decoding.translation.distributed import Translates
from seq2seq.errors import DataError
from seq2seq.evaluation import kept
from seq2seq.evaluation.metrics import Bleu, Metric, has_spaces, metrics_of, score
from seq2seq.recipe import Data
from seq2seq.run import Run
from seq2seq.storage.atomic import write_bytes
from seq2seq.storage.jsonl import json_line
from seq2seq.storage.reading import parse_json

_BOUNDS = (5, 10, 20, 40)  # lengths of a source
ROW = 'write it as {"source": "...", "target": "...", "kind": "news"}'
_STALLED = 120.0  # seconds after which a download that received nothing is given up


@dataclass(frozen=True)
class Sentence:
    """A sentence of a test set: the reference of the corpus first, then other known ones."""

    source: str
    references: tuple[str, ...]
    kind: str = ""  # of text, where a set has several


@dataclass(frozen=True)
class Judged:
    """A test set translated and scored."""

    translations: list[str]
    record: dict[str, Any]  # for run.json and --json


def judge(
    translator: Translates,
    sentences: Sequence[Sentence],
    languages: tuple[str, str],
    name: str = "test",
    metrics: Sequence[Metric] | None = None,
) -> Judged:
    """Translate and score by metrics, the default being those of the `languages` of source and target, by their codes.
    Raises DataError where there is nothing to judge."""
    if not sentences:
        raise DataError("nothing to judge: the test set is empty")
    start = time.perf_counter()
    sources = [sentence.source for sentence in sentences]
    translations = [translation.text for translation in translator.stream(sources)]
    seconds = time.perf_counter() - start
    first = [sentence.references[:1] for sentence in sentences]
    known = [sentence.references for sentence in sentences]
    metrics = metrics or metrics_of(*languages)
    several = score(metrics, sources, translations, known) if any(len(texts) > 1 for texts in known) else []
    record = {
        "set": name,
        "sentences": len(sentences),
        "right": sum(fold(text) in map(fold, texts) for text, texts in zip(translations, known)),
        "scores": [asdict(each) for each in score(metrics, sources, translations, first)],
        "all_known_references": [asdict(each) for each in several],
        "by_length": by_length(sources, translations, first, languages),
        **by_kind(sentences, translations, metrics),
        "seconds": round(seconds, 2),
    }
    return Judged(translations, record)


def by_length(
    sources: Sequence[str], hypotheses: Sequence[str], references: Sequence[Sequence[str]], languages: tuple[str, str]
) -> list[dict[str, Any]]:
    """BLEU of the sentences whose source has so many words, or characters where its language has no spaces between
    words: a row for each range that has any."""
    spaces = has_spaces(languages[0])
    unit = "words" if spaces else "characters"
    groups: dict[int, list[int]] = {}
    for index, source in enumerate(sources):
        length = len(source.split() if spaces else "".join(source.split()))
        groups.setdefault(bisect_left(_BOUNDS, length), []).append(index)
    rows = []
    for group, members in sorted(groups.items()):
        low = _BOUNDS[group - 1] + 1 if group else 0
        label = f"{low}-{_BOUNDS[group]} {unit}" if group < len(_BOUNDS) else f"{low} {unit} or more"
        value = Bleu(languages[1]).value([hypotheses[index] for index in members], [references[i] for i in members])
        rows.append({"source": label, "sentences": len(members), "bleu": value})
    return rows


def by_kind(sentences: Sequence[Sentence], translations: Sequence[str], metrics: Sequence[Metric]) -> dict[str, Any]:
    """`by_kind`: the scores of each kind of text, against the first reference; `macro`: their means, by metric.
    Nothing where the sentences are of one kind."""
    members: dict[str, list[int]] = {}
    for index, sentence in enumerate(sentences):
        members.setdefault(sentence.kind, []).append(index)
    if len(members) == 1:
        return {}
    kinds: list[dict[str, Any]] = []
    for kind, indices in members.items():
        sources = [sentences[index].source for index in indices]
        references = [sentences[index].references[:1] for index in indices]
        scores = score(metrics, sources, [translations[index] for index in indices], references)
        kinds.append({"kind": kind, "sentences": len(indices), "scores": [asdict(each) for each in scores]})
    values = [[each["value"] for each in kind["scores"]] for kind in kinds]
    return {"by_kind": kinds, "macro": {each.name: mean(column) for each, column in zip(scores, zip(*values))}}


def sentences_of(text: PairSource) -> list[Sentence]:
    """The sentences of a split as the model reads them, with all known references."""
    sentences = []
    for kind, part in text.by_kind():
        for source, target in part.read():
            others = [reference for reference in part.references.get(source, []) if reference != target]
            sentences.append(Sentence(part.tagged(source), (target, *others), kind))
    return sentences


def write_set(run: Run, text: PairSource) -> None:
    """Put the test set into the run folder: the run can be judged without its corpus."""
    rows = (
        {"source": sentence.source, "references": sentence.references}
        | ({"kind": sentence.kind} if sentence.kind else {})
        for sentence in sentences_of(text)
    )
    write_bytes(run.path / "test.jsonl", b"".join(map(json_line, rows)))


def read_set(run: Run) -> list[Sentence]:
    """The test set of a run. Raises DataError where it is missing or damaged."""
    path = run.path / "test.jsonl"
    sentences = read_rows(path, "restore the file from a copy, or judge by --source-file and --target-file")
    run.must_be_unchanged(path.name)
    return sentences


def read_rows(path: Path, remedy: str = ROW) -> list[Sentence]:
    """A test set from JSON lines: a `source`, `references` or one `target`, and a `kind` of text where there are
    several. Raises DataError, with the `remedy`, where a line is not such a row."""
    sentences = []
    for number, line in enumerate(read_lines(path), start=1):
        try:
            row = parse_json(line)
            references = row["references"] if "references" in row else [row["target"]]
            sentence = Sentence(row["source"], tuple(references), row.get("kind", ""))
            sides = (sentence.source, *sentence.references, sentence.kind)
            if isinstance(references, str) or len(sides) < 3 or not all(isinstance(side, str) for side in sides):
                raise ValueError("a source and one reference or more are needed, as text")
            sentences.append(sentence)
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{path}, line {number}: not a test sentence ({error}); {remedy}") from error
    return sentences


def read_files(source: Path, references: Sequence[Path], reading: Reading = PLAIN) -> list[Sentence]:
    """A test set from files: one of sources, one or more of references. Raises DataError where their lengths differ."""
    for path in (source, *references):
        must_hold_text(path)
    columns = [list(read_pairs(source, path, reading)) for path in references]
    return [Sentence(pairs[0][0], tuple(reference for _, reference in pairs)) for pairs in zip(*columns)]


def sacrebleu_pair(name: str, data: Data) -> str:
    """The language pair of a sacreBLEU test set for a recipe, in either direction. Raises DataError where there is no
    such set, or no such pair in it."""
    from sacrebleu.utils import get_langpairs_for_testset

    pairs = get_langpairs_for_testset(name)
    pair, reverse = f"{data.source}-{data.target}", f"{data.target}-{data.source}"
    if not pairs:
        raise DataError(f"sacreBLEU has no test set {name!r}; `sacrebleu --list` shows those that it has")
    if pair not in pairs and reverse not in pairs:
        raise DataError(f"sacreBLEU's {name} has no {pair}; it has: {', '.join(sorted(pairs))}")
    return pair if pair in pairs else reverse


def read_sacrebleu(name: str, data: Data) -> list[Sentence]:
    """A test set by its sacreBLEU name (wmt14, multi30k/2016, ...), downloaded by sacreBLEU and cached by it.

    Raises DataError: unknown name, no such language pair, cannot be downloaded.
    """
    from sacrebleu.utils import SACREBLEU_DIR, get_reference_files, get_source_file

    pair = sacrebleu_pair(name, data)
    try:
        source = Path(within(_STALLED, lambda: get_source_file(name, pair), lambda: size_of(Path(SACREBLEU_DIR))))
        references = [Path(file) for file in get_reference_files(name, pair)]
    # sacreBLEU raises whatever a download raises, and exits on a bad checksum.
    except (Exception, SystemExit) as error:
        raise DataError(
            f"sacreBLEU's test set {name} cannot be downloaded here ({type(error).__name__}: {error})"
        ) from error
    if pair == f"{data.source}-{data.target}":
        return read_files(source, references)
    return read_files(references[0], [source])  # the set is of the other direction


def keep(run: Run, judged: Judged, options: SearchOptions, engine: str) -> None:
    """Put translations and scores of one of the recipe's own test sets into the run folder, with the options of the
    search and the engine. `kept.keep` is for all other sets."""
    name = judged.record["set"]
    write_bytes(
        run.path / f"{name.replace('/', '-')}.translations.txt",
        "".join(line + "\n" for line in judged.translations).encode(),
    )
    kept.keep_own(run, name, {**judged.record, **how(options, engine)})


def read_translations(run: Run) -> list[str]:
    """The translations of a run's test set that judging left; empty where it left none."""
    path = run.path / "test.translations.txt"
    return list(read_lines(path)) if path.is_file() else []


def checksum(sentences: Sequence[Sentence]) -> str:
    """Of a test set."""
    rows = json.dumps([(sentence.source, sentence.references) for sentence in sentences])
    if any(kinds := [sentence.kind for sentence in sentences]):
        rows += json.dumps(kinds)
    return hashlib.sha256(rows.encode()).hexdigest()


def how(options: SearchOptions, engine: str) -> dict[str, Any]:
    """The options that translations depend on, for run.json."""
    return {"beam_size": options.beam_size, "length_penalty": options.length_penalty, "engine": engine}
