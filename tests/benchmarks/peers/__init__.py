"""seqx beside its peers: the same model, text and token budget, in turns on one machine."""
