"""A hundred French-English sentence pairs, aligned by hand, for seqx; and what alignments are measured against."""
