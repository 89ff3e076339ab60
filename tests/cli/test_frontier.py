"""`seqx frontier`."""

from __future__ import annotations

import json
from pathlib import Path

from seq2seq.run import Run
from tests.support.command import Seqx


def policy(folder: Path) -> Run:
    """What is read of a policy's run."""
    folder.mkdir()
    run = Run(folder)
    (folder / "recipe.toml").write_text('task = "policy"\n[start]\n')
    row = {"step": 8, "dev_kl": 4.0, "dev_reward": 0.5, "dev_gold": 0.25}
    run.metrics.write_text(json.dumps(row) + "\n")
    run.note(
        best_of=[{"n": 1, "kl": 0.0, "reward": 0.1, "gold": 0.2}, {"n": 2, "kl": 0.19, "reward": 0.3, "gold": 0.2}]
    )
    return run


def test_it_draws_runs_and_prints_their_points(seqx: Seqx, tmp_path: Path) -> None:
    one, other = policy(tmp_path / "one"), policy(tmp_path / "other")
    done = seqx("frontier", str(one.path), str(other.path), "-o", str(tmp_path / "picture.png"))
    assert done.code == 0 and (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")
    printed = seqx("frontier", str(one.path), str(other.path), "--json")
    rows = json.loads(printed.out)["points"]
    assert [row["curve"] for row in rows] == ["best of 1 to 2"] * 2 + ["one"] * 2 + ["other"] * 2
    assert rows[3] == {"curve": "one", "distance": 2.0, "kl": 4.0, "reward": 0.5, "gold": 0.25}


def test_a_run_without_figures_of_a_policy_is_an_error_and_nothing_is_written(seqx: Seqx, tmp_path: Path) -> None:
    run = policy(tmp_path / "one")
    run.metrics.unlink()
    done = seqx("frontier", str(run.path), "-o", str(tmp_path / "picture.png"))
    assert done.code == 1 and "has no figures of a policy" in done.err and not (tmp_path / "picture.png").exists()


def test_a_policy_whose_reward_model_is_missing_writes_nothing(seqx: Seqx, tmp_path: Path) -> None:
    start = tmp_path / "start"
    start.mkdir()
    (start / "recipe.toml").write_text('task = "translation"\n')
    (start / "model.safetensors").write_bytes(b"")
    (tmp_path / "mine.toml").write_text('task = "policy"\n[start]\n[data]\ncorpus = "phrasebook"\n')
    mine = ("train", "--recipe", str(tmp_path / "mine.toml"), "--start", str(start), "--run", str(tmp_path / "run"))
    for setting, message in (
        ((), "recipe mine has no reward: name the run of a reward model"),
        (("--set", "policy.reward_recipe=fr-en-reward"), "fr-en-reward has no trained reward model; train it first"),
        (("--set", f"policy.reward={start}"), "start is a translator (fr to en), not a reward model; name another"),
        (("--set", "policy.reward=rater"), "needs a rater: set data.rater"),
    ):
        done = seqx(*mine, *setting)
        assert done.code == 1 and message in done.err.replace("\n", " ") and not (tmp_path / "run").exists()
