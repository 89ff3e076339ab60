"""A virtual environment for a peer, made on demand, which takes torch, and whatever else fits, from that of seqx."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
from importlib.metadata import version
from pathlib import Path

from tests.benchmarks.peers.roster import Peer


class NotInstalled(Exception):
    """Why a peer cannot take part."""


def python(peer: Peer, folder: Path) -> str:
    """The interpreter that runs a peer. Raises NotInstalled, with what pip said last."""
    if not peer.environment:
        return sys.executable
    home = folder / peer.environment
    found = home / "bin" / "python"
    if (home / "complete").is_file() and (home / "complete").read_text() == _wanted(peer):
        return str(found)
    venv.create(home, with_pip=True)
    own = Path(sysconfig.get_path("purelib", vars={"base": str(home)}))
    (own / "shared.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    (home / "constraints.txt").write_text(f"torch=={version('torch').partition('+')[0]}\n", encoding="utf-8")
    done = subprocess.run(
        [found, "-m", "pip", "install", "--prefer-binary", "-c", home / "constraints.txt", *peer.packages],
        capture_output=True,
        text=True,
    )
    (home / "pip.log").write_text(done.stdout + done.stderr, encoding="utf-8")
    if done.returncode:
        said = [line for line in done.stderr.split("\n") if line.strip()]
        raise NotInstalled(f"pip install {' '.join(peer.packages)}: {said[-1] if said else 'failed'}")
    if (own / "torch").exists():
        raise NotInstalled(f"pip put another torch into {own}: it would not be the same that the others use")
    (home / "complete").write_text(_wanted(peer), encoding="utf-8")
    return str(found)


def _wanted(peer: Peer) -> str:
    return " ".join([*peer.packages, version("torch")])
