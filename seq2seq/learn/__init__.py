"""The notes of a lecture on Transformers, each as a short function over the parts of seqx: `seqx learn`."""
