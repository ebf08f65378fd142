"""The process that owns an index, and the commands that hand it their work."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx
import pytest
from commands import arguments, environment, secondlook

from app.settings import DEFAULT_PORT, LOOPBACK

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


@contextmanager
def taken(port: int) -> Iterator[None]:
    """A port in use, by this test or by whoever has it already."""
    with ExitStack() as stack:
        with suppress(OSError):
            stack.enter_context(socket.create_server((LOOPBACK, port)))
        yield


@pytest.mark.model
def test_demo_check_runs_three_queries_through_the_pages_own_endpoint(tmp_path: Path) -> None:
    done = secondlook(tmp_path, "demo", "--check")
    assert done.status == 0, done.err
    assert "129 files: 129 added" in done.out
    assert done.out.count("of the top 10 moved") == 3
    assert "Traceback" not in done.err


@pytest.mark.process
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


@pytest.mark.process
def test_a_demo_finds_a_port_and_a_second_one_is_ready_without_embedding_again(tmp_path: Path, folder: Path) -> None:
    for added in ("4 added", "0 chunks"):
        with taken(DEFAULT_PORT), started(tmp_path, "demo", folder) as (process, address, said):
            assert added in said
            assert not address.endswith(f":{DEFAULT_PORT}")
            page = httpx.get(address, timeout=SECONDS)
            assert page.status_code == 200
            assert "Second Look" in page.text
            process.send_signal(signal.SIGTERM)
            process.wait(SECONDS)
            assert process.stderr is not None
            assert "Traceback" not in process.stderr.read()
