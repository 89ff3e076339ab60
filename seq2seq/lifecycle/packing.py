"""From a finished run to a pack: what a colleague needs to use the model, and nothing of the text that it learnt."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

from seq2seq.errors import RunError
from seq2seq.interop.ctranslate2 import copy as copies
from seq2seq.run import Run
from seq2seq.storage import pack

# Of run.json. The names of files, corpora and machines stay at home.
_KEPT = ("finished", "classes", "weights", "pairs", "text", "versions", "seed", "lineage", "scores")


def write(run: Run, path: Path, *, licence: str = "", weights: bool = False, test_set: bool = False) -> list[str]:
    """Write a pack of a finished run: its CTranslate2 copy in the precision that serves, int8 wherever that was found
    good enough, tokenizers, recipe and scores; with `weights` also the float32 ones, with `test_set` its test set.
    Returns the names of the files. A run that CTranslate2 cannot express is packed with its weights.

    Raises RunError where it has no copy and could have one, or a file is damaged.
    """
    run.must_be_unchanged("tokenizer", *([run.weights.name] if weights else []))
    copy, record = copies.read(run.path), run.record()
    if copy is None:
        if "refused" not in record.get("ctranslate2", {}):
            raise RunError(f"{run.path} has no CTranslate2 copy to pack; `seqx export --run {run.path}` makes one")
        weights = True
    if weights:
        run.must_have_weights()
    names = ["recipe.toml", *(file.name for file in run.path.glob("tokenizer*"))]
    names += [run.weights.name] if weights else []
    names += ["test.jsonl"] if test_set else []
    files: dict[str, Path | bytes] = {name: run.path / name for name in names}
    if copy is not None:
        copy.must_be_unchanged(copy.precision, again=True)
        model = [file for file in copy.model(copy.precision).iterdir() if file.name != copies.SHORTLIST]
        files |= {f"{copies.FOLDER}/{copy.precision}/{file.name}": file for file in model}
        own = copies.in_one_precision(copy, model, weights=weights)
        files[f"{copies.FOLDER}/{copies.RECORD}"] = _as_bytes(own)
    kept = {key: record[key] for key in _KEPT if key in record}
    for report in ("pairs", "text"):  # without their `sources`, which are names of files
        if report in kept:
            kept[report] = {key: value for key, value in kept[report].items() if key != "sources"}
    if "lineage" in kept:
        kept["lineage"] = [
            {**{key: start.get(key) for key in ("recipe", "task", "weights")}, "run": Path(start["run"]).name}
            for start in kept["lineage"]
        ]
    if not weights and "weights" in kept:
        kept["weights"] = {key: value for key, value in kept["weights"].items() if key in ("made", "steps")}
    known = {name: value for name, value in record.get("files", {}).items() if name in files}
    refused = {"ctranslate2": record["ctranslate2"]} if copy is None else {}
    files["run.json"] = _as_bytes({**kept, **refused, "files": known, "licence": licence})
    about = {"made_by": f"seqx {version('seqx')}", "licence": licence}
    try:
        pack.write(path, files, about)
    except FileNotFoundError as error:
        raise RunError(f"{error.filename} is missing: {run.path} cannot be packed with it") from error
    return sorted(files)


def _as_bytes(values: Any) -> bytes:
    return (json.dumps(values, indent=2, ensure_ascii=False) + "\n").encode(errors="backslashreplace")
