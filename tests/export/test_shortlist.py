"""Shortlists: what is learned from pairs, what CTranslate2 does with it, and when it is not used."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from seq2seq.data.encoded import Encoded, encode
from seq2seq.data.pairs import PairSource
from seq2seq.data.tokenizers import SPECIAL, Characters, Tokenizers
from seq2seq.decoding import ctranslate2_copy as copies
from seq2seq.decoding.ctranslate2_engine import load
from seq2seq.decoding.engine import Options
from seq2seq.errors import RunError
from seq2seq.export import ctranslate2, shortlist
from seq2seq.export.ctranslate2 import export
from seq2seq.export.shortlist import Shortlist
from seq2seq.run import Run
from seq2seq.serving import Request, serve
from tests.support.finished_translators import ALPHABET, finished

WORDS = "abcdefghijklmnop"
WITHOUT_SPACE = ALPHABET.replace(" ", "-")
SENTENCES = [(text, text[::-1]) for text in ("abc", "hello.there", "xyz", "tobeornottobe", "why-not", "mnop")]
OPTIONS = Options(1, 0.6, max_extra=6, token_scores=False)
SOURCES = [[5, 6, 7], [9, 8, 7, 6, 5, 4, 10], [11], [12, 13, 14, 15, 16, 17], [20, 19, 18]]


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Encoded:
    """A language whose words are the others' capitals, in any order, with `z` strewn among them on either side."""
    draw = random.Random(1)
    rows = []
    for _ in range(400):
        words = draw.sample(WORDS, 5)
        rows.append(("".join(words) + "z", "".join(draw.sample([*map(str.upper, words), "z"], 6))))
    letters = Characters(WORDS + WORDS.upper() + "z")
    text = PairSource("test", lambda: iter(rows), lambda: "test")
    return encode([text], Tokenizers(letters, letters), tmp_path_factory.mktemp("pairs"), max_length=20, max_ratio=9.0)


def test_what_a_token_becomes_is_learned(pairs: Encoded) -> None:
    found = shortlist.learn(pairs)
    of = {character: len(SPECIAL) + place for place, character in enumerate(WORDS + WORDS.upper() + "z")}
    assert set(found.candidates) == {of[word] for word in WORDS + "z"}
    for word in WORDS:
        assert found.candidates[of[word]][0] == of[word.upper()]
    assert found.always[0] == of["z"]
    assert set(found.unlisted(len(SPECIAL) + len(of))) == {of[word.upper()] for word in WORDS}


def test_few_pairs_are_enough_to_look_at(pairs: Encoded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shortlist, "_LINKS", 2000)
    some, every = shortlist.learn(pairs).candidates, {source: set(targets) for source, targets in _all(pairs).items()}
    assert some and all(set(targets) <= every[source] for source, targets in some.items())


def _all(pairs: Encoded) -> dict[int, set[int]]:
    found: dict[int, set[int]] = {}
    for index in range(len(pairs)):
        source, target = pairs[index]
        for token in source:
            found.setdefault(int(token), set()).update(map(int, target))
    return found


def test_a_shortlist_is_kept_and_read(tmp_path: Path) -> None:
    made = Shortlist([7, 5], {9: [5, 6], 8: []})
    shortlist.keep(made, tmp_path)
    assert shortlist.read(tmp_path, 10, 8) == made
    for source, target in ((9, 8), (10, 7)):
        with pytest.raises(RunError, match=r"shortlist\.json is damaged.*no token of a vocabulary"):
            shortlist.read(tmp_path, source, target)
    (tmp_path / shortlist.FILE).write_text('{"always": [')
    with pytest.raises(RunError, match=r"shortlist\.json is damaged"):
        shortlist.read(tmp_path, 10, 8)


def listed(folder: Path, made: Shortlist, seed: int = 1) -> Run:
    run = finished(folder, seed=seed, alphabet=WITHOUT_SPACE)
    shortlist.keep(made, run.path)
    export(run, SENTENCES)
    return run


def test_only_candidates_are_written_and_sources_of_unlisted_tokens_are_searched_among_all(tmp_path: Path) -> None:
    # A model that writes one token again and again is kept from it by a shortlist without that.
    favourite = 13
    allowed = {token for token in range(4, 31) if token != favourite}
    made = Shortlist([4, 30], {source: sorted(allowed) for source in range(4, 18)})
    copy = copies.read(listed(tmp_path, made, seed=2).path)
    assert copy is not None and set(SOURCES[-1]) <= set(copy.settings.unlisted or ())
    plain, short = (load(copy, "int8", "cpu", 1, shortlist=given) for given in (False, True))
    among_all, found = plain.translate(SOURCES, OPTIONS), short.translate(SOURCES, OPTIONS)
    assert all(favourite in group[0].tokens for group in among_all)
    assert all(set(group[0].tokens) <= allowed for group in found[:-1])
    assert found[-1] == among_all[-1]


def test_a_shortlist_serves_when_it_is_asked_for(tmp_path: Path) -> None:
    run = listed(tmp_path, Shortlist([4, 30], {source: [source] for source in range(4, 32)}))
    assert run.record()["ctranslate2"]["shortlist"]
    served = serve(run, Request(shortlist=True))
    assert served.engine.startswith("CTranslate2, int8 with a shortlist")
    assert not set(served.translator.translate(["bcd"])[0].text) - set("abcd.")
    assert "shortlist" not in serve(run, Request()).engine
    for asked in (Request(engine="torch"), Request(precision="float32"), Request(n_best=2), Request(token_scores=True)):
        with pytest.raises(RunError, match="leave out"):
            serve(run, Request(asked.engine, asked.precision, n_best=asked.n_best, token_scores=asked.token_scores,
                               shortlist=True))  # fmt: skip


def test_words_with_white_space_have_no_shortlist(tmp_path: Path) -> None:
    run = finished(tmp_path)
    shortlist.keep(Shortlist([4], {5: [5]}), run.path)
    made = export(run, SENTENCES)
    assert not made.shortlist and ctranslate2._SHORT not in made.bleu
