from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from indexer.errors import StoreError, StoreLocked
from indexer.lock import acquire, owner

HOLD = """
import sys
from pathlib import Path
from indexer.lock import acquire
held = acquire(Path(sys.argv[1]), "the page", "http://127.0.0.1:7860")
print("held", flush=True)
sys.stdin.read()
"""


def test_holder_is_known_while_it_holds(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    assert owner(folder) is None
    with acquire(folder, "ingest") as lock:
        found = owner(folder)
        assert found is not None
        assert (found.pid, found.what, found.url) == (os.getpid(), "ingest", None)
        lock.set_url("http://127.0.0.1:7860")
        again = owner(folder)
        assert again is not None
        assert again.url == "http://127.0.0.1:7860"
        with pytest.raises(StoreLocked, match=r"in use by ingest at http://127\.0\.0\.1:7860"):
            acquire(folder, "search")
    assert owner(folder) is None
    acquire(folder, "search").release()


def test_other_process_is_named_and_its_death_frees_the_folder(tmp_path: Path) -> None:
    with subprocess.Popen(  # noqa: S603  our own script
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline().strip() == b"held"
        found = owner(tmp_path)
        assert found is not None
        assert (found.pid, found.what, found.url) == (other.pid, "the page", "http://127.0.0.1:7860")
        with pytest.raises(StoreLocked, match=rf"the page .*process {other.pid}"):
            acquire(tmp_path, "ingest")
        other.kill()
        other.wait()
    assert (tmp_path / "owner.json").exists()
    assert owner(tmp_path) is None
    acquire(tmp_path, "ingest").release()


def test_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be used"):
        acquire(tmp_path / "file" / "index", "ingest")
