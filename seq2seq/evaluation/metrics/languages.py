"""How text of a language is split into tokens by sacreBLEU. zh, zh-CN, zho_Hans and Chinese are one language."""

from __future__ import annotations

import re

# sacreBLEU's tokenizer for a language, by ISO 639 code or English name; for all others 13a.
_TOKENIZERS = {
    language: tokenizer
    for tokenizer, languages in {
        "zh": "zh zho chi cmn yue wuu nan hak gan hsn lzh cn chinese mandarin cantonese",
        "ja-mecab": "ja jpn jp japanese",
        "ko-mecab": "ko kor korean",
        # Written without spaces between words. What sacreBLEU has for them (flores200) has to be downloaded.
        "char": "th tha thai lo lao km khm khmer my mya bur burmese bo bod tib tibetan dz dzo dzongkha",
    }.items()
    for language in languages.split()
}


def tokenizer_of(language: str) -> str:
    """The name of the tokenizer that sacreBLEU prescribes for a language."""
    return _TOKENIZERS.get(re.split(r"[-_.@\s]", language.strip().casefold())[0], "13a")


def has_spaces(language: str) -> bool:
    """Whether the words of a language are written with spaces between them."""
    return tokenizer_of(language) not in ("zh", "ja-mecab", "char")
