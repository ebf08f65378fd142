"""The command line as a process: exit statuses, signals, what becomes of a failure, a lock that another one holds."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from commands import Outcome, process, run

from app.failures import INTERRUPTED
from indexer.lock import acquire

pytestmark = pytest.mark.process

BROKEN = """
import app.cli
from app.commands import options

def broken(*_, **__):
    {body}

options.settings = broken
app.cli.main()
"""

CTRL_C = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "  # which a job in the background lacks
    "signal.raise_signal(signal.SIGINT)"
)


def search_that(home: Path, body: str) -> Outcome:
    """How a process ends whose `secondlook search` comes to this statement in the place of reading its settings."""
    return run(home, [sys.executable, "-c", BROKEN.format(body=body), "search", "kettle"])


def test_help_is_printed_and_is_no_failure(tmp_path: Path) -> None:
    done = process(tmp_path, "--help")
    assert (done.status, done.err) == (0, "")
    for word in ("ingest", "search", "serve", "demo", "eval", "doctor"):
        assert word in done.out


def test_a_wrong_option_and_a_stated_failure_have_their_statuses(tmp_path: Path) -> None:
    wrong = process(tmp_path, "search", "--no-such-option", "kettle")
    assert (wrong.status, wrong.out) == (2, "")
    assert "--no-such-option" in wrong.err
    stated = process(tmp_path, "search", "kettle")
    assert (stated.status, stated.out) == (1, "")
    assert stated.err.startswith("secondlook: ")
    assert "secondlook ingest" in stated.err


def test_the_traceback_of_a_bug_goes_to_a_file_that_the_sentence_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    done = search_that(tmp_path, "raise ZeroDivisionError('by nothing')")
    (log,) = tmp_path.glob("secondlook-*.log")
    assert (done.status, done.out) == (1, "")
    assert done.err == f"secondlook: unexpected ZeroDivisionError: details are in {log}, please report them.\n"
    assert "ZeroDivisionError: by nothing" in log.read_text()


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX")
def test_ctrl_c_ends_a_command_without_a_traceback(tmp_path: Path) -> None:
    done = search_that(tmp_path, CTRL_C)
    assert done.status == INTERRUPTED
    assert "Traceback" not in done.err


def test_an_index_that_another_process_holds_is_named_with_its_owner(home: Path) -> None:
    with acquire(home / "index", "a test"):
        done = process(home, "search", "kettle")
    assert done.status == 1
    assert done.err.count("\n") == 1
    assert str(os.getpid()) in done.err
    assert "a test" in done.err
