"""The corpora that ship with seqx: original text, complete in any installation, for machines without other text."""
