from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from app.bench.plan import GRID, MIXED, Cell, Clock, planned
from app.bench.record import OtherRunError
from app.bench.rerank import run, table
from app.bench.shapes import SHAPES, ModelShape, write, write_pointwise_twin
from app.bench.texts import NoTextsError, read
from data.shipped import minilm_folder
from rerank.models.checkpoint import read as read_checkpoint
from rerank.models.tokens import Tokeniser

TINY = ModelShape("tiny", "nothing", "xlm-roberta", 32, 2, 4, 64, 30600, 130)
WORDS = "The harbour ferry was cancelled because of the storm, and every ticket is refunded within ten days. "


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    folder.mkdir()
    for number in range(60):
        (folder / f"{number:02}.md").write_text(f"# Notice {number}\n\n" + WORDS * (2 + number % 5), encoding="utf-8")
    return folder


def test_texts_have_the_tokens_that_were_asked_for(corpus: Path) -> None:
    tokenizer = Tokeniser(minilm_folder()).tokenizer
    texts = read(corpus, tokenizer)
    for passage in texts.passages(5, 64):
        assert len(tokenizer.encode(passage, add_special_tokens=False).ids) == pytest.approx(64, abs=3)
    mixed = [len(tokenizer.encode(one, add_special_tokens=False).ids) for one in texts.mixed(100)]
    assert sum(mixed) / 100 == pytest.approx(160, rel=0.15)
    assert min(mixed) < 100
    assert max(mixed) > 250
    assert texts.mixed(5) == texts.mixed(5) != texts.mixed(5, first=1)
    assert len(texts.queries) == 50


def test_a_folder_without_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(NoTextsError, match=str(tmp_path)):
        read(tmp_path, Tokeniser(minilm_folder()).tokenizer)


def test_work_is_what_the_layers_multiply() -> None:
    wide, inner, n = 384, 1536, 100
    layer = 2 * n * (4 * wide * wide + 2 * wide * inner) + 4 * n * n * wide
    last = 2 * n * 2 * wide * wide + 2 * (4 * wide * wide + 2 * wide * inner) + 4 * n * wide
    assert SHAPES["minilm"].work([n]) == pytest.approx(5 * layer + last)
    assert SHAPES["minilm"].work([n, n]) == pytest.approx(2 * SHAPES["minilm"].work([n]))


@pytest.mark.parametrize("kind", ["bert", "xlm-roberta"])
def test_a_written_shape_is_a_checkpoint_of_that_size(tmp_path: Path, kind: Literal["bert", "xlm-roberta"]) -> None:
    shape = replace(TINY, kind=kind)
    found = read_checkpoint(write(shape, tmp_path)).shape
    assert (found.hidden, found.layers, found.heads, found.inner) == (32, 2, 4, 64)
    assert found.vocabulary == 30600


def test_a_listwise_shape_and_its_pointwise_twin_share_weights(tmp_path: Path) -> None:
    from safetensors.torch import load_file

    shape = ModelShape("q", "nothing", "qwen3", 32, 2, 4, 64, 30600, 4096, 2, 8)
    folder = write(shape, tmp_path / "list")
    twin = load_file(write_pointwise_twin(shape, folder, tmp_path / "twin") / "model.safetensors")
    whole = load_file(folder / "model.safetensors")
    assert twin["model.layers.1.mlp.up_proj.weight"].equal(whole["model.layers.1.mlp.up_proj.weight"])
    assert "score.weight" in twin
    assert not any(name.startswith("projector") for name in twin)


@pytest.mark.model
def test_a_run_measures_its_cells_and_says_what_it_skipped(corpus: Path, tmp_path: Path) -> None:
    said: list[str] = []
    file = tmp_path / "out" / "bench.json"
    found = run(
        "cpu",
        [TINY],
        [MIXED, Cell(16, 150)],
        quick=True,
        corpus=corpus,
        json_path=file,
        budget_seconds=600,
        say=said.append,
    )
    assert json.loads(file.read_text()) == found
    mixed, long = found["cells"]
    for cell in (mixed, long):
        for key in (
            "pairs_per_second",
            "ratio_to_predict_default",
            "ratio_to_predict_best",
            "fraction_of_ceiling",
            "peak_memory_bytes",
        ):
            assert cell[key] > 0, key
        assert {"device", "kernel", "dtype", "top10_overlap"} <= cell.keys()
    assert mixed["overlap_queries"] == 3
    assert long["inputs"] > 100  # passages beyond the window of 128 are read in several
    assert found["machine"]["torch"]
    assert len(said) == 2
    assert "tiny" in table(found)


@pytest.mark.model
def test_cells_beyond_the_budget_are_skipped_with_the_reason(corpus: Path) -> None:
    found = run("cpu", [TINY], [MIXED], corpus=corpus, budget_seconds=0.0)
    assert found["cells"] == []
    assert "of the budget are left" in found["skipped"][0]["reason"]
    assert "skipped" in table(found)


@pytest.mark.model
def test_a_later_run_measures_only_what_the_file_lacks(corpus: Path, tmp_path: Path) -> None:
    file = tmp_path / "bench.json"
    long, short = Cell(16, 200), Cell(16, 60)

    def go(grid: list[Cell], budget: float, *, resume: bool = True) -> list[str]:
        said: list[str] = []
        run(
            "cpu",
            [TINY],
            grid,
            quick=True,
            corpus=corpus,
            json_path=file,
            resume=resume,
            budget_seconds=budget,
            say=said.append,
        )
        return said

    assert len(go([MIXED], 600)) == 1
    first = json.loads(file.read_text())
    assert len(go([MIXED, long], 0)) == 1
    partly = json.loads(file.read_text())
    assert partly["cells"] == first["cells"]
    assert [one["cell"] for one in partly["skipped"]] == [long.title]
    assert len(go([MIXED, long, short], 600)) == 2
    whole = json.loads(file.read_text())
    assert whole["cells"][:1] == first["cells"]
    assert [one["cell"] for one in whole["cells"][1:]] == [long.title, short.title]
    assert whole["skipped"] == []
    assert len(go([MIXED], 600, resume=False)) == 1
    assert len(json.loads(file.read_text())["cells"]) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not valid JSON"),
        ("[]", "no figures"),
        (json.dumps({"cells": [], "skipped": [], "machine": {"processor": "abacus"}}), "processor abacus, now"),
        (json.dumps({"cells": [], "skipped": [], "corpus": "elsewhere"}), "another corpus"),
    ],
)
def test_figures_of_another_run_are_not_added_to(corpus: Path, tmp_path: Path, content: str, message: str) -> None:
    file = tmp_path / "bench.json"
    file.write_text(content)
    with pytest.raises(OtherRunError, match=message):
        run("cpu", [TINY], [MIXED], corpus=corpus, json_path=file, resume=True, budget_seconds=0.0)
    assert file.read_text() == content


def test_the_most_telling_cells_of_all_shapes_come_first() -> None:
    shapes = [SHAPES["minilm"], SHAPES["xlmr-large"]]
    plan = planned(shapes, GRID)
    assert [(shape.name, cell) for shape, cell in plan[:4]] == [
        ("minilm", MIXED),
        ("xlmr-large", MIXED),
        ("minilm", Cell(64, 512)),
        ("xlmr-large", Cell(64, 512)),
    ]
    assert len(plan) == len(set(plan)) == 2 * 21
    sizes = [cell.size for cell in GRID[2:]]
    assert sizes == sorted(sizes)


def test_a_cell_is_begun_if_the_measured_speed_fits_it_into_the_budget() -> None:
    shape, limit = SHAPES["minilm"], 1e11
    work = shape.work(MIXED.lengths(shape))
    clock = Clock(100.0)
    clock.learn(shape, work, 10.0, limit)
    assert clock.rounds(shape, work, limit) == 3
    assert clock.refusal(shape, work, limit, 3) is None
    assert clock.rounds(shape, 2 * work, limit) == 1  # a round of more than half a minute is not repeated
    assert "would take about 180 s" in str(clock.refusal(shape, 10 * work, limit, 1))
    assert "xlmr" not in str(Clock(None).refusal(shape, 1e6 * work, limit, 3))
    other = SHAPES["xlmr-base"]  # not measured: expected to use as much of its ceiling as the one that was
    assert clock.default(other, work, limit) == pytest.approx(10.0)


def test_expected_lengths_are_those_of_windows() -> None:
    assert Cell(64, 256).lengths(SHAPES["minilm"]) == [324] * 100
    assert Cell(64, 1024).lengths(SHAPES["minilm"]) == [512] * 300
    assert Cell(64, 1024).lengths(SHAPES["xlmr-large"]) == [1092] * 100
    assert Cell(64, 256).lengths(SHAPES["qwen3"]) == [320 * 64, 320 * 36]


@pytest.mark.model
def test_both_sides_score_alike(corpus: Path, tmp_path: Path) -> None:
    """The benchmark compares like with like: in fp32 our logits are those of the baseline."""
    from app.bench.baseline import default
    from app.bench.readings import readings
    from rerank.loading import Loading
    from rerank.models.device import choose
    from rerank.pointwise.cross_encoder import CrossEncoderScorer

    folder = write(TINY, tmp_path / "model")
    scorer = CrossEncoderScorer.open(folder, "tiny", Loading(device="cpu", dtype="fp32"))
    texts = read(corpus, Tokeniser(folder).tokenizer)
    passages = texts.passages(8, 40)
    ours = [one.score for one in scorer.score(texts.queries[0], passages).scored]
    pairs, lengths = readings(folder, scorer.contract.native_window, texts.queries[0], passages)
    theirs = default(folder, choose("cpu")).predict([(query, text) for _, query, text in pairs])
    assert ours == pytest.approx(theirs, abs=1e-5)
    assert len(lengths) == len(pairs) == 8
