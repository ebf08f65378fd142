"""The process that owns an index, and the commands that hand it their work."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from commands import arguments, environment, secondlook

SECONDS = 120


@contextmanager
def started(home: Path, *parts: str | Path) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    """A command that stays, the address that it printed, and all that it printed before."""
    with subprocess.Popen(  # noqa: S603 - our own command line
        arguments(*parts), env=environment(home), cwd=home, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process, *_address(process)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.wait(SECONDS)


def _address(process: subprocess.Popen[str]) -> tuple[str, str]:
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        found = re.search(r"Open (http://\S+)", line)
        if found:
            return found[1], said
    assert process.stderr is not None
    raise AssertionError(process.stderr.read())


def test_demo_check_runs_three_queries_through_the_pages_own_endpoint(tmp_path: Path) -> None:
    done = secondlook(tmp_path, "demo", "--check")
    assert done.status == 0, done.err
    assert "129 files: 129 added" in done.out
    assert done.out.count("of the top 10 moved") == 3
    assert "Traceback" not in done.err


def test_a_running_server_does_the_work_of_other_commands(home: Path, folder: Path) -> None:
    alone = json.loads(secondlook(home, "search", "--json", "limescale in the kettle").out)
    new = folder / "iron.txt"
    with started(home, "serve") as (process, address, _):
        health = httpx.get(f"{address}/health", timeout=SECONDS).json()
        assert health["status"] == "ok"
        handed = json.loads(secondlook(home, "search", "--json", "limescale in the kettle").out)
        assert [one["candidate"]["chunk"] for one in handed["ranked"]] == [
            one["candidate"]["chunk"] for one in alone["ranked"]
        ]
        try:
            new.write_text("Fill the steam iron with distilled water only.", encoding="utf-8")
            done = secondlook(home, "ingest", folder)
            assert done.status == 0, done.err
            assert "1 added" in done.out
            assert "iron.txt" in secondlook(home, "documents").out
            refused = secondlook(home, "search", "--json", "w " * 20_000)
            assert refused.status != 0
            assert "Traceback" not in refused.err
        finally:
            new.unlink()
        second = secondlook(home, "serve")
        assert second.status != 0
        assert f"process {process.pid}" in second.err
        process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) == 0
    assert not (home / "index" / "owner.json").exists()
    assert "1 removed" in secondlook(home, "ingest", folder).out


def test_a_second_demo_is_ready_without_embedding_again(tmp_path: Path, folder: Path) -> None:
    for added in ("4 added", "0 chunks"):
        with started(tmp_path, "demo", folder) as (process, address, said):
            assert added in said
            page = httpx.get(address, timeout=SECONDS)
            assert page.status_code == 200
            assert "Second Look" in page.text
            process.send_signal(signal.SIGTERM)
            process.wait(SECONDS)
            assert process.stderr is not None
            assert "Traceback" not in process.stderr.read()


def test_a_page_on_a_taken_port_moves_to_the_next_one(tmp_path: Path, home: Path, folder: Path) -> None:
    with started(home, "serve") as (_, first, _), started(tmp_path, "demo", folder) as (_, second, _):
        assert first != second
        assert httpx.get(second, timeout=SECONDS).status_code == 200
