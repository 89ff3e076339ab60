"""seqx beside its peers, training, translating and starting: the same model, text and token budget, in turns.

    python -m tests.benchmarks.peers [--task train] [--peers seqx eole] [--precision bfloat16] [--rounds 10]
                                     [--threads 2] [--run runs/fr-en-multi30k] [--json FILE]

Each peer is a process of its own, in a virtual environment that is made on demand under --environments and shares the
installed torch. One works at a time; the others wait. A peer that cannot be installed, or fails, is named and left out.
Needs $SEQX_DATA/multi30k; translating needs a trained run of its recipe, whose weights all peers get.
"""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from seq2seq.measure.machine import this_machine
from tests.benchmarks.peers import rounds, setting, start
from tests.benchmarks.peers.prepare import prepare
from tests.benchmarks.peers.report import record, table
from tests.benchmarks.peers.roster import PEERS, Task
from tests.benchmarks.peers.rounds import Contestant


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", choices=["train", "translate", "start"], help="only this; default: all, one by one")
    parser.add_argument("--peers", nargs="+", choices=[peer.name for peer in PEERS], help="default: all")
    parser.add_argument("--precision", nargs="+", help="float32, bfloat16, int8, auto; default: all that a peer has")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--updates", type=int, default=5, help="of a round")
    parser.add_argument("--sentences", type=int, default=1000, help="of Multi30k's test set, in a round")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--run", type=Path, help="trained run whose model translates; without one, only training")
    parser.add_argument("--environments", type=Path, default=Path.home() / ".cache" / "seqx-benchmarks")
    parser.add_argument("--json", type=Path, help="also write all answers here")
    asked = parser.parse_args()
    tasks: list[Task] = [asked.task] if asked.task else ["train", "translate", "start"] if asked.run else ["train"]
    if tasks != ["train"] and not asked.run:
        parser.error(f"--task {asked.task} needs --run")
    found: dict[str, Any] = {
        "machine": this_machine(), "begun": datetime.now(UTC).isoformat(timespec="seconds"),
        "threads": asked.threads, "rounds": asked.rounds, "updates": asked.updates, "sentences": asked.sentences,
    }  # fmt: skip
    for task in tasks:
        contestants = measure(task, asked)
        ours = [each for each in contestants if each.peer.name.startswith("seqx")]
        found[task] = [record(task, each, ours) for each in contestants]
        print(table(task, found[task]) + "\n", flush=True)
        if asked.json:
            asked.json.write_text(json.dumps(found, indent=2), encoding="utf-8")


def measure(task: Task, asked: argparse.Namespace) -> list[Contestant]:
    asked.environments.mkdir(parents=True, exist_ok=True)
    folder = asked.environments.resolve()
    text = prepare(folder, setting.Setting.vocabulary)
    lines = (text / "test.fr").read_text(encoding="utf-8").split("\n")[: asked.sentences]
    contestants = [
        Contestant(peer, precision)
        for peer in PEERS
        for precision in peer.precisions(task)
        if (not asked.peers or peer.name in asked.peers) and (not asked.precision or precision in asked.precision)
    ]
    settings = []
    for each in contestants:
        scratch = folder / "scratch" / each.name.replace(" ", "-")
        scratch.mkdir(parents=True, exist_ok=True)
        run = str(asked.run.resolve()) if asked.run else ""
        settings.append(setting.Setting(str(text), str(scratch), run, each.precision, asked.threads))
    if task == "start":
        start.run(contestants, settings, folder, asked.rounds)
    else:
        rounds.run(contestants, task, settings, folder, asked.rounds, asked.updates, [line for line in lines if line])
    return contestants


if __name__ == "__main__":
    main()
