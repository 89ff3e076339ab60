"""The generator of the bundled phrasebook: hand-written phrases, and a bilingual grammar with its lexicon.

`python -m tests.phrasebook`, run from the root of the repository, writes seq2seq/data/bundled/phrasebook.tsv.xz.
"""
