"""Claims about a command that searches: a fresh process brings in what the search needs and no more."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import commands
import pytest

UNNEEDED = {
    "sentence_transformers",
    "transformers",
    "sklearn",
    "scipy",
    "pandas",
    "huggingface_hub",
    "httpx",
    "gradio",
    "fastapi",
    "uvicorn",
    "ir_measures",
    "qdrant_client",
    "pypdfium2",
    "docx",
}
"""Libraries that ingest, serve, measure or read other models: seconds of imports."""

ASK = """
import json, sys
from app.cli import main
sys.argv = ["secondlook", "search", "how often is the kettle descaled?", "--json"]
try:
    main()
finally:
    json.dump(sorted({name.partition(".")[0] for name in sys.modules}), sys.stderr)
"""


@pytest.mark.process
def test_a_command_starts_without_what_only_the_work_itself_needs() -> None:
    code = "import app.cli, sys; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], cwd=commands.ROOT, capture_output=True, text=True, check=True)  # noqa: S603 - ours
    loaded = set(done.stdout.split())
    assert "typer" in loaded
    assert loaded & (UNNEEDED | {"numpy", "torch", "sqlalchemy", "qdrant_edge"}) == set()


@pytest.mark.process
def test_a_search_from_a_cold_start_imports_no_library_that_it_does_not_need(home: Path) -> None:
    done = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-c", ASK],
        env=commands.environment(home),
        cwd=home,
        capture_output=True,
        text=True,
        timeout=commands.SECONDS,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert json.loads(done.stdout)["ranked"][0]["candidate"]["chunk"]["document"].endswith("kettle.md")
    loaded = set(json.loads(done.stderr))
    assert "torch" in loaded
    assert loaded & UNNEEDED == set()
