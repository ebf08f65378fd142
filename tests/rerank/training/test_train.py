"""The training recipe: negatives, loss, a tiny run from end to end, and the folder it writes."""

from __future__ import annotations

import json
import lzma
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import data
import rerank
from rerank.errors import BadCheckpoint, BadInput
from rerank.training.loop import TrainingRun, gain
from rerank.training.loss import BARRED, contrast, interaction, listwise, own_interaction
from rerank.training.material import freeze, thaw, tokenise
from rerank.training.mining import Rules, lexical, lexical_scores, select, top
from rerank.training.model import QueryEncoder
from rerank.training.pairs import Pair, answers, hold_out, passage_text, read_pairs, share
from rerank.training.pool import interactions, read_pool
from rerank.training.recipe import Recipe, recipe
from rerank.training.train import fit, main

THINGS = (
    ("kettle", "boils water for tea in two minutes", "metal"),
    ("bicycle", "carries a rider on two wheels without an engine", "steel"),
    ("lighthouse", "warns ships of rocks with a turning lamp", "stone"),
    ("violin", "sings when a bow is drawn over four strings", "spruce"),
    ("compass", "points to the north with a magnetised needle", "brass"),
    ("windmill", "grinds grain with sails that the wind turns", "oak"),
    ("telescope", "shows the moons of Jupiter through two lenses", "glass"),
    ("umbrella", "keeps rain off with a folding canopy", "cotton"),
)
TINY = replace(
    recipe("small"),
    pairs=100,
    epochs=8,
    batch=4,
    negatives=2,
    layers=1,
    rate=2e-4,
    held_out=2,
    held_out_list=5,
    every=8,
    passage_tokens=24,
    rules=Rules(depth=5, keep=4, margin=1.0),
)


@dataclass(frozen=True)
class Done:
    """A finished run and where it is."""

    run: TrainingRun
    folder: Path
    pairs: Path


def write_pairs(folder: Path) -> Path:
    lines = [
        {"source": source, "query": ask.format(name), "title": name, "positive": f"The {name} {what}. {source} {stuff}"}
        for source, ask in (("use", "what is a {} good for"), ("stuff", "which material is the {} made of"))
        for name, what, stuff in THINGS
    ]
    file = folder / "pairs.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return file


def run(pairs: Path, out: Path, chosen: Recipe = TINY) -> TrainingRun:
    return fit(pairs, out, chosen, device="cpu", say=lambda _: None)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    folder = tmp_path_factory.mktemp("trained")
    pairs = write_pairs(folder)
    return Done(run(pairs, folder / "model"), folder / "model", pairs)


@pytest.mark.model
def test_a_tiny_run_lowers_the_loss(done: Done) -> None:
    losses = done.run.losses
    assert len(losses) == done.run.step == 24
    assert sum(losses[-3:]) < 0.8 * sum(losses[:3])


@pytest.mark.model
def test_the_written_folder_holds_only_what_was_trained(done: Done) -> None:
    tensors = load_file(done.folder / "model.safetensors")
    published = load_file(data.minilm_folder() / "model.safetensors")
    assert {name for name in tensors if not name.startswith("query_weight.")} == {
        name for name in published if name.startswith("encoder.layer.5.")
    }
    assert tensors["query_weight.weight"].shape == (1, 384)
    assert tensors["query_weight.bias"].shape == (1,)
    assert all(one.dtype == torch.float16 for one in tensors.values())
    best = done.run.best["encoder.layer.5.output.dense.weight"]
    assert torch.allclose(tensors["encoder.layer.5.output.dense.weight"].float(), best, atol=1e-3)


@pytest.mark.model
def test_the_written_config_names_the_base_by_its_checksum(done: Done) -> None:
    config = json.loads((done.folder / "config.json").read_text(encoding="utf-8"))
    assert config["second_look"] == {
        "kind": "late-interaction",
        "base": "all-MiniLM-L6-v2",
        "base_sha256": data.MINILM_SHA256,
        "side": "query",
        "query_weights": "softplus",
    }
    assert config["hidden_size"] == 384
    report = json.loads((done.folder / "training.json").read_text(encoding="utf-8"))
    assert report["pairs_sha256"] == data.sha256(done.pairs)
    assert report["recipe"]["seed"] == 0


@pytest.mark.model
def test_a_trained_folder_loads_and_scores_as_it_was_trained(done: Done) -> None:
    query, passages = "what keeps rain off", [f"The {name} {what}." for name, what, _ in THINGS]
    base = data.minilm_folder()
    model = QueryEncoder(base, TINY.layers)
    trained = load_file(done.folder / "model.safetensors")
    with torch.no_grad():
        for name, one in model.trained().items():
            one.copy_(trained[name])
        pool = read_pool(base, tokenise(base, passages, 48), torch.device("cpu"), lambda _: None)
        expected = interactions(pool, model.ask(tokenise(base, [query], 48)), torch.arange(len(passages))[None])[0]
    scorer = rerank.load(done.folder, device="cpu", dtype="fp32")
    assert scorer.contract.kind == "late-interaction"
    assert scorer.contract.native_window == 256
    found = [one.score for one in scorer.score(query, passages).scored]
    assert found == pytest.approx(expected.tolist(), abs=4e-3)
    assert [one.index for one in scorer.rerank(query, passages, top_n=1)] == [7]


@pytest.mark.model
def test_a_folder_trained_on_another_base_is_refused(done: Done, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(done.folder, other)
    config = json.loads((other / "config.json").read_text(encoding="utf-8"))
    config["second_look"]["base_sha256"] = "0" * 64
    (other / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(BadCheckpoint, match="another all-MiniLM-L6-v2"):
        rerank.load(other)


@pytest.mark.model
def test_equal_seeds_give_equal_weights(done: Done, tmp_path: Path) -> None:
    again = run(done.pairs, tmp_path / "model")
    assert again.losses == done.run.losses
    assert (tmp_path / "model/model.safetensors").read_bytes() == (done.folder / "model.safetensors").read_bytes()


@pytest.mark.model
def test_a_stopped_run_goes_on_from_its_checkpoint_to_the_same_losses(done: Done, tmp_path: Path) -> None:
    def stop_at_the_second_look(line: str) -> None:
        if line.startswith("step 16,"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(done.pairs, tmp_path / "model", TINY, device="cpu", say=stop_at_the_second_look)
    lines: list[str] = []
    resumed = fit(done.pairs, tmp_path / "model", TINY, device="cpu", say=lines.append)
    assert "going on from step 8" in lines
    assert resumed.losses == pytest.approx(done.run.losses, rel=1e-4)


@pytest.mark.model
def test_a_checkpoint_of_another_recipe_is_refused(done: Done) -> None:
    with pytest.raises(BadInput, match="another run"):
        run(done.pairs, done.folder, replace(TINY, seed=1))


def test_the_command_line_says_what_is_wrong_with_the_pairs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--pairs", str(tmp_path / "none.jsonl"), "--out", str(tmp_path / "model")]) == 2
    assert "does not exist" in capsys.readouterr().err


def test_bm25_puts_the_passage_with_the_rarer_shared_piece_first() -> None:
    passages = [[1, 2, 3], [1, 2, 4], [5, 6, 7]] + [[8, 9, 10 + at] for at in range(20)]
    scores = lexical_scores(lexical(passages, 40), [[1, 4]])
    assert top(scores, 2).tolist() == [[1, 0]]
    assert scores[0, 2] == 0


def test_bm25_agrees_with_the_formula_worked_by_hand() -> None:
    passages = [[1, 1, 2], [3, 4, 5], *[[6 + at, 7 + at, 8 + at] for at in range(18)]]
    idf = torch.log(torch.tensor(1 + (20 - 1 + 0.5) / (1 + 0.5)))
    expected = idf * 2 * 2.2 / (2 + 1.2)
    assert lexical_scores(lexical(passages, 40), [[1]])[0, 0] == pytest.approx(float(expected))


def test_what_the_teacher_scores_like_the_positive_is_no_negative() -> None:
    mined = select([7, 1, 2, 3], [2.0, 1.9, 1.0, 0.5], [0.8, 0.79, 0.7, 0.5], frozenset(), 7, Rules(margin=0.95))
    assert mined.places == (2, 3)
    assert mined.positive == 2.0


def test_a_passage_known_to_answer_is_no_negative() -> None:
    mined = select([7, 1, 2], [2.0, 1.0, 0.0], [0.8, 0.5, 0.4], frozenset({1, 7}), 7, Rules())
    assert mined.places == (2,)


def test_a_passage_that_both_first_stages_found_is_one_negative() -> None:
    mined = select([7, 1, 2, 1], [2.0, 1.0, 0.0, 1.0], [0.8, 0.5, 0.4, 0.5], frozenset(), 7, Rules())
    assert mined.places == (1, 2)


def test_the_hardest_negatives_are_kept() -> None:
    candidates = list(range(10))
    mined = select(candidates, [10.0, *range(9)], [1.0] + [0.1] * 9, frozenset(), 0, Rules(keep=3))
    assert mined.places == (9, 8, 7)


def test_interaction_is_the_weighted_mean_of_the_best_matches() -> None:
    query = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
    passages = torch.tensor([[[1.0, 0.0], [0.6, 0.8]], [[0.0, 1.0], [1.0, 0.0]]])
    mask = torch.tensor([[True, True], [True, False]])
    scores = interaction(query, torch.tensor([[0.75, 0.25]]), passages, mask)
    assert scores[0].tolist() == pytest.approx([0.75 * 1.0 + 0.25 * 0.8, 0.25])


def test_interaction_with_own_passages_is_that_with_all_of_them() -> None:
    generator = torch.Generator().manual_seed(0)
    queries = torch.randn(2, 3, 4, generator=generator)
    passages = torch.randn(2, 5, 6, 4, generator=generator)
    mask = torch.rand(2, 5, 6, generator=generator) > 0.3
    mask[:, :, 0] = True
    weights = torch.rand(2, 3, generator=generator)
    own = own_interaction(queries, weights, passages, mask)
    for row in range(2):
        everything = interaction(queries, weights, passages[row], mask[row])
        assert torch.allclose(own[row], everything[row], atol=1e-5)


def test_a_barred_passage_does_not_count_against_the_query() -> None:
    own = torch.tensor([[0.5, 0.1]])
    loss = [contrast(own, torch.tensor([[other]]), 0.1) for other in (0.9, BARRED)]
    assert loss[0] > 4 * loss[1]


def test_distillation_is_least_where_the_scores_follow_the_teacher() -> None:
    teacher, none = torch.tensor([[1.0, 0.0, BARRED]]), torch.full((1, 1), BARRED)
    agreeing, reversed_ = torch.tensor([[0.1, 0.0, BARRED]]), torch.tensor([[0.0, 0.1, BARRED]])
    loss = [listwise(one, none, teacher, temperature=0.1, distil=1.0) for one in (agreeing, reversed_)]
    assert float(loss[0]) == pytest.approx(0.0, abs=1e-6)
    assert loss[1] > 0.1


def test_every_second_passage_stands_below_its_title() -> None:
    pairs = [Pair("s", "q", "Title", f"passage {at}") for at in range(100)]
    titled = [one for one in map(passage_text, pairs) if one.startswith("Title\n\npassage ")]
    assert 30 < len(titled) < 70
    assert passage_text(Pair("s", "q", "", "passage 1")) == "passage 1"


def test_the_best_of_a_row_are_those_of_a_stable_sort() -> None:
    scores = torch.tensor([[0.0, 3.0, 0.0, 1.0, 3.0, 0.0], [1.0, 1.0, 1.0, 1.0, 1.0, 2.0]])
    assert top(scores, 4).tolist() == [[1, 4, 3, 0], [5, 0, 1, 2]]
    assert top(scores, 9).shape == (2, 6)


def test_sources_are_shared_out_evenly_and_the_caps_hold() -> None:
    pairs = [Pair("big", f"q{at}", "", f"p{at}") for at in range(100)]
    pairs += [Pair("small", f"s{at}", "", f"t{at}") for at in range(5)]
    pairs += [Pair("capped", f"c{at}", "", f"d{at}") for at in range(100)]
    counts = [one.source for one in share(pairs, 60, {"capped": 10}, seed=0)]
    assert {source: counts.count(source) for source in set(counts)} == {"small": 5, "capped": 10, "big": 45}
    assert share(pairs, 60, {}, seed=3) == share(pairs, 60, {}, seed=3)


def test_no_subject_and_no_passage_is_both_trained_on_and_held_out() -> None:
    pairs = [Pair("s", f"q{at}", f"title {at % 30}", f"passage {at % 45}") for at in range(90)]
    kept, held = hold_out(pairs, 6, seed=1)
    assert held
    assert not {one.title for one in kept} & {one.title for one in held}
    assert not {one.positive for one in kept} & {one.positive for one in held}


def test_a_query_asked_twice_has_both_answers() -> None:
    pairs = [Pair("s", "Where?", "", "Here."), Pair("s", "where? ", "", "There.")]
    assert answers(pairs) == {"where?": {"here.", "there."}}


def test_pairs_are_read_from_xz_and_equal_ones_once(tmp_path: Path) -> None:
    file = tmp_path / "pairs.jsonl.xz"
    line = json.dumps({"query": "a", "positive": "b"}) + "\n"
    file.write_bytes(lzma.compress((line + line + json.dumps({"query": "", "positive": "x"}) + "\n").encode()))
    assert read_pairs(file) == [Pair("", "a", "", "b")]


def test_a_broken_line_is_named_by_its_number(tmp_path: Path) -> None:
    file = tmp_path / "pairs.jsonl"
    file.write_text('{"query": "a", "positive": "b"}\n{"query": "a"}\n', encoding="utf-8")
    with pytest.raises(BadInput, match="line 2"):
        read_pairs(file)


def test_gain_is_one_at_the_top_and_nothing_beyond_the_tenth_place() -> None:
    assert gain([0.9, 0.1]) == 1.0
    assert gain([0.5, 0.9]) == pytest.approx(0.6309, abs=1e-4)
    assert gain([0.5, 0.5]) == gain([0.5, 0.9])
    assert gain([0.1] + [0.5] * 10) == 0.0


@pytest.mark.model
def test_material_survives_being_written_and_read_and_keeps_held_out_passages_apart(done: Done) -> None:
    text = (done.folder.with_name("model.work") / "material.json").read_text(encoding="utf-8")
    material = thaw(text)
    assert freeze(material) == text
    held = {one.list[0] for one in material.held}
    assert held
    assert not held & {place for one in material.examples for place in one.mined.places}
    assert any(one.mined.places for one in material.examples)
