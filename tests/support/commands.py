"""The command line as a person runs it: a process, its output, its exit status."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
SECONDS = 300


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command did."""

    status: int
    out: str
    err: str


def environment(home: Path) -> dict[str, str]:
    """The environment of a command whose indexes and caches are in `home`."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("SECONDLOOK_")}
    return {**kept, "SECONDLOOK_HOME": str(home), "COLUMNS": "200", "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}


def arguments(*parts: str | Path) -> list[str]:
    """The argument list that runs `secondlook` with these arguments."""
    return [sys.executable, "-m", "app.cli", *map(str, parts)]


def secondlook(home: Path, *parts: str | Path) -> Outcome:
    """Run one command to its end."""
    done = subprocess.run(  # noqa: S603 - our own command line
        arguments(*parts),
        env=environment(home),
        cwd=home,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)
