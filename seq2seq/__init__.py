"""seqx: train, judge and serve Transformers on the machine you have. `cli` is its command line; this is its library."""

__version__ = "0.1.0"
