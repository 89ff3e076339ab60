"""The sentence patterns of the phrasebook, each a function from a `Draw` to a sentence in both languages."""
