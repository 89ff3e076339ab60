"""Text that was decoded by another encoding than its own, mended by ftfy where the mend is certain."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ftfy import TextFixerConfig

# Damage shows as two characters beyond ASCII in a row, as a control character of Latin-1, or as the remains of `à` and
# of punctuation whose no-break space became a blank.
_MAY_BE_DAMAGED = re.compile("[^\x00-\x7f]{2}|[\x80-\x84\x86-\x9f]|[ÂÃâ] ")
_LOST = re.compile("[\ufffd\x00-\x08\x0a-\x1f\x7f-\x9f]")


def mended(text: str) -> str:
    """The text with its encoding mended; as it is where it is right, or where something of it would be lost."""
    if text.isascii() or not _MAY_BE_DAMAGED.search(text) or "\ufffd" in text:
        return text
    from ftfy import fix_encoding

    fixed = fix_encoding(text, _config())
    return fixed if set(_LOST.findall(fixed)) <= set(text) else text


@functools.cache
def _config() -> TextFixerConfig:
    from ftfy import TextFixerConfig

    return TextFixerConfig(replace_lossy_sequences=False)
