"""The command line as a person runs it: its output, its exit status.

`secondlook` runs a command inside the test's process, which costs no imports; `process` starts it for real, for the
claims that only a process can keep: signals, exit statuses, what the interpreter does with an error.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from contextlib import ExitStack, chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import BytesIO, TextIOWrapper
from pathlib import Path
from unittest.mock import patch

from app.cli import main

ROOT = Path(__file__).parents[2]
SECONDS = 300
LOGGERS = ("secondlook.access", "secondlook.api")
"""Those that a server writes to standard error."""


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
    """What one command, run to its end in this process, did."""
    out, err = _Captured(), _Captured()
    with ExitStack() as kept:  # and back, whatever the command sets
        kept.enter_context(patch.dict(os.environ, environment(home), clear=True))
        kept.enter_context(patch.object(sys, "excepthook"))
        for name in LOGGERS:
            kept.enter_context(patch.object(logging.getLogger(name), "handlers", []))
        kept.enter_context(chdir(home))
        kept.enter_context(redirect_stdout(out))
        kept.enter_context(redirect_stderr(err))
        status = _status(list(map(str, parts)))
    return Outcome(status, out.text(), err.text())


def process(home: Path, *parts: str | Path) -> Outcome:
    """What one command, run to its end in a process of its own, did."""
    return run(home, arguments(*parts))


def run(home: Path, command: list[str]) -> Outcome:
    """What a process with this argument list did."""
    done = subprocess.run(  # noqa: S603 - our own command line
        command,
        env=environment(home),
        cwd=home,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


class _Captured(TextIOWrapper):
    """A stream of text that is kept, and that takes bytes too, as a process's own do."""

    def __init__(self) -> None:
        super().__init__(BytesIO(), encoding="utf-8", write_through=True)

    def text(self) -> str:
        """All that was written."""
        self.flush()
        kept = self.buffer
        assert isinstance(kept, BytesIO)
        return kept.getvalue().decode("utf-8")


def _status(parts: list[str]) -> int:
    """The exit status of a command, which ends as a process does: an error goes to sys.excepthook."""
    try:
        main(parts)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except Exception as error:  # noqa: BLE001 - as the interpreter does
        sys.excepthook(type(error), error, error.__traceback__)
        return 1
    return 0
