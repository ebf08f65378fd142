"""`secondlook watch` as a process: it follows a folder, leaves the index free, and ends whole."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import arguments, environment, secondlook

SECONDS = 120.0


def wait_for(condition: Callable[[], bool]) -> None:
    ends = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.2)


@pytest.mark.process
def test_watch_follows_a_folder_and_leaves_the_index_to_others_between_changes(tmp_path: Path) -> None:
    place = tmp_path / "documents"
    place.mkdir()
    (place / "kettle.md").write_text("Descale the kettle.")
    output = tmp_path / "output.txt"
    with output.open("w") as stream:
        process = subprocess.Popen(  # noqa: S603 - our own command line
            arguments("watch", place), env=environment(tmp_path), cwd=tmp_path, stdout=stream, stderr=stream
        )
    try:
        wait_for(lambda: "Watching" in output.read_text())
        assert "1 added" in output.read_text()
        (place / "toaster.txt").write_text("Empty the crumb tray.")
        (place / "kettle.md").unlink()
        wait_for(lambda: "1 added, 1 removed" in output.read_text() or "1 removed" in output.read_text())
        wait_for(lambda: "toaster.txt" in secondlook(tmp_path, "documents").out)
        assert "kettle.md" not in secondlook(tmp_path, "documents").out
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=SECONDS) == 0
    finally:
        process.kill()
    assert "Stopped." in output.read_text()
    assert secondlook(tmp_path, "verify").status == 0
