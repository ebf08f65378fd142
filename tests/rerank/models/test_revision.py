from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import checkpoints
import pytest
from listwise_checkpoint import write_listwise

from rerank import load
from rerank.errors import BadCheckpoint
from rerank.models.checkpoint import weight_files
from rerank.models.revision import Revision, fingerprint
from rerank.pointwise.cross_encoder import CrossEncoderScorer
from rerank.scores_cache import ScoreCache

PASSAGES = ["paris is the capital", "panda", "bamboo"]


def scorer(folder: Path, cache: ScoreCache | None = None) -> CrossEncoderScorer:
    return CrossEncoderScorer.from_folder(folder, name="tiny", device="cpu", dtype="fp32", cache=cache)


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
    before = fingerprint([file])
    flip(file, 6 << 20)
    assert fingerprint([file]) != before
    flip(file, 6 << 20)
    assert fingerprint([file]) == before


def test_equal_folders_have_one_revision_and_others_another(tmp_path: Path) -> None:
    folders = [
        checkpoints.bert(tmp_path / "a"),
        checkpoints.bert(tmp_path / "b"),
        checkpoints.bert(tmp_path / "c", seed=1),
    ]
    one, same, other = (str(Revision(folder, weight_files(folder))) for folder in folders)
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
