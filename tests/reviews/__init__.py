"""The bundled reviews: `python -m tests.reviews` writes them from the lexicon, the templates and the written lines."""
