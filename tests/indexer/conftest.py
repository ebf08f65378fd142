from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer.embed.contract import Embedder
from indexer.embed.open import open_embedder
from indexer.index import Index

os.environ["HF_HUB_OFFLINE"] = "1"


@pytest.fixture(scope="session")
def minilm() -> Embedder:
    """The packaged model, loaded once."""
    return open_embedder()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small folder of documents."""
    made = tmp_path / "folder"
    (made / "notes").mkdir(parents=True)
    (made / "cats.txt").write_text("Cats sleep for most of the day. A cat purrs when it is content.", encoding="utf-8")
    (made / "bridge.md").write_text("# The old bridge\n\nA stone bridge crosses the river Ems.\n", encoding="utf-8")
    (made / "notes" / "tea.txt").write_text("Green tea is brewed at eighty degrees.", encoding="utf-8")
    (made / "notes" / "tower.txt").write_text("東京タワーは東京都港区にある電波塔である。", encoding="utf-8")
    (made / "prices.csv").write_text("item,price\nlamp,12\nchair,40\n", encoding="utf-8")
    return made


@pytest.fixture
def index(tmp_path: Path, minilm: Embedder) -> Iterator[Index]:
    """An empty index of its own."""
    with Index.open(tmp_path / "index", minilm) as opened:
        yield opened
