"""Write the bundled reviews."""

import lzma

from seq2seq.data.bundled.reviews import REVIEWS
from tests.reviews.generator import contents

REVIEWS.write_bytes(lzma.compress(contents(), preset=9))
