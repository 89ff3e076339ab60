"""The bundled reviews: `python -m tests.reviews` writes them from the lexicon, the patterns and the written lines."""
