"""Claims about naming a model by its files: every byte counts, and none is read twice."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from indexer.embed.contract import Embedder
from indexer.errors import EmbedderError
from indexer.revision import revision

SIZE = 5 << 20


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A folder with the files of a model: weights of 5 MiB."""
    folder = tmp_path / "model"
    (folder / "1_Pooling").mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(bytes(SIZE))
    (folder / "config.json").write_text("{}")
    (folder / "vocab.txt").write_text("a\nb\n")
    (folder / "1_Pooling" / "config.json").write_text("{}")
    return folder


@pytest.mark.parametrize("place", [0, SIZE // 4 + 1, SIZE // 2, 3 * SIZE // 4, SIZE - 1])
def test_every_byte_of_the_weights_counts(model: Path, place: int) -> None:
    before = revision(model)
    raw = bytearray(SIZE)
    raw[place] = 1
    (model / "model.safetensors").write_bytes(raw)
    assert revision(model) != before
    (model / "model.safetensors").write_bytes(bytes(SIZE))
    assert revision(model) == before


@pytest.mark.parametrize(
    "name", ["config.json", "1_Pooling/config.json", "vocab.txt", "tokenizer.json", "spiece.model"]
)
def test_settings_and_tokenizer_count(model: Path, name: str) -> None:
    before = revision(model)
    (model / name).write_text('{"changed": 1}')
    assert revision(model) != before


def test_what_is_no_part_of_a_model_does_not_count(model: Path) -> None:
    before = revision(model)
    (model / "README.md").write_text("words")
    assert revision(model) == before


def test_files_are_read_once_in_a_process_unless_they_changed(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    digest = hashlib.file_digest

    def counted(stream: Any, name: str) -> Any:
        read.append(Path(stream.name).name)
        return digest(stream, name)

    monkeypatch.setattr(hashlib, "file_digest", counted)
    first = revision(model)
    assert sorted(read) == ["config.json", "config.json", "model.safetensors", "vocab.txt"]
    read.clear()
    assert revision(model) == first
    assert read == []
    os.utime(model / "vocab.txt", ns=(1, 1))
    assert revision(model) == first
    assert read == ["vocab.txt"]


def test_a_file_that_cannot_be_read_is_named(model: Path) -> None:
    (model / "gone.safetensors").symlink_to(model / "nowhere")
    with pytest.raises(EmbedderError, match=r"gone\.safetensors cannot be read .*copy it again"):
        revision(model)


def test_the_packaged_model_is_named_by_its_files(minilm: Embedder) -> None:
    from data import minilm_folder

    assert minilm.name == f"all-MiniLM-L6-v2@{revision(minilm_folder())}"
