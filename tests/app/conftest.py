"""A home with an index over a small folder, made once by the command line itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import secondlook

DOCUMENTS = {
    "kettle.md": "# The kettle\n\nDescale the kettle every two months with vinegar. Rinse it twice afterwards.\n",
    "toaster.txt": "Empty the crumb tray of the toaster weekly. Never put it under water.\n",
    "fridge/defrost.html": "<html><title>Defrosting</title><body><p>Switch the fridge off overnight.</p></body></html>",
    "oven.json": '{"name": "clean_oven", "description": "Start the self-cleaning programme of the oven."}',
    "empty.txt": "",
}


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of four small documents and an empty file."""
    place = tmp_path_factory.mktemp("documents")
    for name, text in DOCUMENTS.items():
        file = place / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return place


@pytest.fixture(scope="session")
def home(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose index holds the folder."""
    place = tmp_path_factory.mktemp("home")
    done = secondlook(place, "ingest", folder, "--report", place / "report.jsonl")
    assert done.status == 0, done.err
    return place
