"""Writes the bundled text of the assistant."""

import lzma

from seq2seq.data.bundled.assistant import ASSISTANT
from tests.assistant.generator import rows

text = "".join(f"{row}\n" for row in rows())
ASSISTANT.write_bytes(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))
