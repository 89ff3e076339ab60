"""Writes the phrasebook that ships with seqx: `python -m tests.phrasebook`."""

import lzma

from seq2seq.data.bundled.phrasebook import PAIRS
from tests.phrasebook.generator import text

with lzma.open(PAIRS, "wb", preset=9 | lzma.PRESET_EXTREME) as file:
    file.write(text().encode())
