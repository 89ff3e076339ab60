"""A shortlist for translating: which target tokens a source token may become, learned from the training pairs, so that
the decoder chooses among hundreds of tokens in place of thousands (Jean et al., 2015; CTranslate2's vocabulary map).

IBM Model 1 (Brown et al., 1993) on the sets of tokens of each pair, with an empty source word that explains what no
other does.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seq2seq.data.encoded import Encoded
from seq2seq.data.tokenizers import SPECIAL
from seq2seq.decoding.ctranslate2_file import SHORTLIST
from seq2seq.errors import RunError
from seq2seq.run import Run
from seq2seq.storage.atomic import write_bytes
from seq2seq.storage.checksums import must_be
from seq2seq.storage.reading import read_json

FILE = "shortlist.json"  # in the run folder

_LINKS = 8_000_000  # of a source token with a target token: what is looked at, spread over all pairs
_ROUNDS = 5
_REMEDY = "delete it: translating does without, slower"
_ALWAYS = 100  # most frequent target tokens
_MOST = 20  # target tokens of a source token

Ids = NDArray[np.int64]


@dataclass(frozen=True)
class Shortlist:
    """Token numbers."""

    always: Sequence[int]  # target tokens that any sentence may have
    candidates: Mapping[int, Sequence[int]]  # source token -> target tokens, likeliest first

    def unlisted(self, size: int) -> tuple[int, ...]:
        """Source tokens that nothing is known of, of a vocabulary of so many."""
        return tuple(token for token in range(len(SPECIAL), size) if token not in self.candidates)

    def write(self, folder: Path, source: Sequence[str], target: Sequence[str]) -> None:
        """Put the file that CTranslate2 reads beside a model with these vocabularies, none of whose words holds white
        space: source, tab, targets; first those of any source."""
        rows = [("", self.always), *((source[token], targets) for token, targets in self.candidates.items())]
        text = "".join(f"{word}\t{' '.join(target[token] for token in targets)}\n" for word, targets in rows)
        (folder / SHORTLIST).write_text(text, encoding="utf-8")


def learn(pairs: Encoded) -> Shortlist:
    """The shortlist of encoded pairs."""
    source, target, place = _links(pairs)
    size = int(target.max()) + 1
    known, link = np.unique(source * size + target, return_inverse=True)
    source, target = known // size, known % size
    share = np.ones(len(known))  # of a source token's translations
    for _ in range(_ROUNDS):
        weight = share[link]
        expected = np.bincount(link, weight / np.bincount(place, weight)[place], minlength=len(known))
        share = expected / np.bincount(source, expected)[source]
    order = np.lexsort((-share, source))
    source, target = source[order], target[order]
    starts = np.flatnonzero(np.diff(source, prepend=-1))
    counts = np.bincount(target, expected[order], minlength=size)
    always = [int(token) for token in np.argsort(-counts, kind="stable")[:_ALWAYS] if counts[token]]
    candidates = {
        int(source[start]): target[start : min(end, start + _MOST)].tolist()
        for start, end in zip(starts, [*starts[1:], len(source)])
    }
    candidates.pop(_EMPTY, None)
    return Shortlist(always, candidates)


def keep(shortlist: Shortlist, run: Path) -> None:
    """Put a shortlist into a run folder, whose copies will carry it."""
    values = {"always": shortlist.always, "candidates": shortlist.candidates}
    write_bytes(run / FILE, json.dumps(values, separators=(",", ":")).encode())
    Run(run).keep_checksums(FILE)


def read(run: Path, source: int, target: int) -> Shortlist | None:
    """The shortlist of a run folder, None where it has none, for vocabularies of so many tokens. Raises RunError where
    it is damaged."""
    path = run / FILE
    try:
        values = read_json(path)
        found = Shortlist(values["always"], {int(token): targets for token, targets in values["candidates"].items()})
        _check(found.candidates, source)
        for tokens in (found.always, *found.candidates.values()):
            _check(tokens, target)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RunError(f"{path} is damaged ({error!r}); {_REMEDY}") from error
    must_be(path, Run(run).checksums().get(FILE), _REMEDY)
    return found


def _check(tokens: Collection[Any], size: int) -> None:
    if not isinstance(tokens, Collection) or len(tokens) > size:
        raise ValueError(f"a list of up to {size:,} tokens is needed")
    if odd := [token for token in tokens if type(token) is not int or not 0 <= token < size]:
        raise ValueError(f"{odd[0]!r:.40} is no token of a vocabulary of {size:,}")


_EMPTY = 0  # PAD, which no text holds, stands for the empty source word


def _links(pairs: Encoded) -> tuple[Ids, Ids, Ids]:
    """Source token, target token, and the number of the place, a target token of a pair, of each link."""
    sources, targets, places = [], [], []
    count = place = 0
    for index in np.random.default_rng(1).permutation(len(pairs)):
        source, target = (np.unique(side).astype(np.int64) for side in pairs[int(index)])
        source = np.append(source, _EMPTY)
        sources.append(np.tile(source, len(target)))
        targets.append(np.repeat(target, len(source)))
        places.append(np.repeat(np.arange(place, place + len(target)), len(source)))
        place += len(target)
        count += len(source) * len(target)
        if count > _LINKS:
            break
    return np.concatenate(sources), np.concatenate(targets), np.concatenate(places)
