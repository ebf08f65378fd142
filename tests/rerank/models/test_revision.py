"""Claims about naming a model by its files: every byte counts, and none is read twice."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import checkpoints
import pytest
from listwise_checkpoint import write_listwise

from rerank import load
from rerank.errors import BadCheckpoint
from rerank.loading import Loading
from rerank.models.revision import Revision, revision
from rerank.pointwise.cross_encoder import CrossEncoderScorer
from rerank.scores_cache import ScoreCache

PASSAGES = ["paris is the capital", "panda", "bamboo"]


def scorer(folder: Path, cache: ScoreCache | None = None) -> CrossEncoderScorer:
    return CrossEncoderScorer.open(folder, "tiny", Loading(device="cpu", dtype="fp32", scores=cache))


def flip(file: Path, at: int) -> None:
    """Change one byte and leave size and time as they were."""
    before = file.stat()
    with file.open("r+b") as stream:
        stream.seek(at)
        byte = stream.read(1)
        stream.seek(at)
        stream.write(bytes([byte[0] ^ 1]))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_a_single_byte_in_the_middle_of_a_large_file_counts(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    file.write_bytes(bytes(12 << 20))
    before = revision(tmp_path)
    flip(file, 6 << 20)
    assert revision(tmp_path) != before
    flip(file, 6 << 20)
    assert revision(tmp_path) == before


def test_equal_folders_have_one_revision_and_others_another(tmp_path: Path) -> None:
    folders = [
        checkpoints.bert(tmp_path / "a"),
        checkpoints.bert(tmp_path / "b"),
        checkpoints.bert(tmp_path / "c", seed=1),
    ]
    one, same, other = (str(Revision(folder)) for folder in folders)
    assert one == same != other


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json"])
def test_settings_that_change_scores_change_the_revision(tmp_path: Path, name: str) -> None:
    folder = checkpoints.bert(tmp_path)
    before = scorer(folder).model
    content = json.loads((folder / name).read_text(encoding="utf-8"))
    (folder / name).write_text(json.dumps(content, indent=3), encoding="utf-8")
    assert scorer(folder).model != before


def test_checkpoints_that_differ_in_one_weight_share_no_scores(tmp_path: Path) -> None:
    cache = ScoreCache()
    one, other = checkpoints.bert(tmp_path / "a"), checkpoints.bert(tmp_path / "b")
    scorer(one, cache).score("panda", PASSAGES)
    assert all(found.cached for found in scorer(other, cache).score("panda", PASSAGES).scored)
    flip(other / "model.safetensors", (other / "model.safetensors").stat().st_size // 2)
    assert not any(found.cached for found in scorer(other, cache).score("panda", PASSAGES).scored)


@pytest.mark.parametrize("build", [checkpoints.bert, checkpoints.bert_body, write_listwise])
def test_weights_that_were_changed_while_unloaded_are_not_taken_for_the_old_ones(
    tmp_path: Path, build: Callable[[Path], Path]
) -> None:
    folder = build(tmp_path)
    model = load(str(folder), device="cpu", dtype="fp32")
    before = [one.logit for one in model.score("panda", PASSAGES).scored]
    model.release()
    file = folder / "model.safetensors"
    os.utime(file)
    again = [one.logit for one in model.score("panda", PASSAGES).scored]
    assert again == pytest.approx(before, abs=1e-5)  # touched, not changed
    model.release()
    flip(file, file.stat().st_size - 3)
    os.utime(file)
    with pytest.raises(BadCheckpoint, match="load the model again"):
        model.score("panda bamboo", ["router"])
    file.unlink()
    with pytest.raises(BadCheckpoint):
        model.score("panda bamboo", ["router"])


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
    with pytest.raises(BadCheckpoint, match=r"gone\.safetensors cannot be read .*copy it again"):
        revision(model)
