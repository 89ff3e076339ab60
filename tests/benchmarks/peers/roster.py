"""Who takes part: what must be installed, and at which precisions a peer trains and translates on a CPU."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from typing import Literal

Task = Literal["train", "translate", "start"]
BOTH = ("float32", "bfloat16")


@dataclass(frozen=True)
class Peer:
    """A module beside this one, with `train(setting, done)`, `translator(setting)`, or both."""

    name: str
    module: str
    environment: str = ""  # of its own; none: where seqx is installed
    packages: tuple[str, ...] = ()
    train: tuple[str, ...] = ()
    translate: tuple[str, ...] = ()

    def precisions(self, task: Task) -> tuple[str, ...]:
        return self.train if task == "train" else self.translate


_TRANSFORMERS = ("transformers>=5.0", "accelerate>=1.0", f"sentencepiece=={version('sentencepiece')}")

# Packages that a peer needs and does not declare are named after it.
PEERS = (
    Peer("seqx", "seqx", train=BOTH, translate=("int8", "float32")),
    Peer("seqx-torch", "seqx_torch", translate=BOTH),
    Peer("transformers", "marian_loop", "transformers", _TRANSFORMERS, train=BOTH, translate=BOTH),
    Peer("seq2seqtrainer", "marian_trainer", "transformers", _TRANSFORMERS, train=BOTH),
    Peer("torch", "torch_layers", train=BOTH),
    Peer("eole", "eole_trainer", "eole", ("eole==0.6.4", "aiohttp"), train=BOTH),
    Peer("joeynmt", "joeynmt_manager", "joeynmt", ("joeynmt==2.3.0", "importlib_metadata"), train=("float32",),
         translate=("float32",)),
    Peer("ctranslate2", "ctranslate2_api", translate=("int8", "float32")),
)  # fmt: skip
