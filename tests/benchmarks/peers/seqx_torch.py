"""The translator of seqx on PyTorch."""

from __future__ import annotations

from tests.benchmarks.peers import seqx
from tests.benchmarks.peers.setting import Setting, Translate


def translator(setting: Setting) -> Translate:
    return seqx.translator(setting, "torch")
