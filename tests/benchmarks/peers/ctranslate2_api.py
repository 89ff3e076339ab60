"""CTranslate2 by its own Python API on the copy that a finished run carries; its best threading: workers of one
thread each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import ctranslate2
import sentencepiece

from tests.benchmarks.peers.setting import Setting, Translate


def translator(setting: Setting) -> Translate:
    run = Path(setting.run)
    found = ctranslate2.Translator(
        str(run / "ctranslate2" / setting.precision),
        compute_type=setting.precision,
        inter_threads=setting.threads,
        intra_threads=1,
    )
    text = sentencepiece.SentencePieceProcessor(model_file=str(run / "tokenizer.model"))

    def translate(lines: Sequence[str]) -> list[str]:
        pieces = text.encode(list(lines), out_type=str)
        results = found.translate_batch(
            pieces,
            beam_size=setting.beam_size,
            length_penalty=setting.length_penalty,
            max_batch_size=setting.batch_sentences,
            max_decoding_length=max(map(len, pieces)) + 50,
        )
        return [text.decode(result.hypotheses[0]) for result in results]

    return translate
