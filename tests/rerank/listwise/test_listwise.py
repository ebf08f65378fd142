import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from listwise_checkpoint import write_listwise
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer, Qwen3Model

from rerank.errors import BadCheckpoint, BadInput, Cancelled
from rerank.listwise.passes import cosines, merge, passes
from rerank.listwise.prompt import DOCUMENT_TOKEN, QUERY_TOKEN, SYSTEM, lead, prompt, without_markers
from rerank.listwise.scorer import ListwiseScorer
from rerank.loading import Loading
from rerank.models.running import Cancel
from rerank.scorer import Limits, Profile, ScoreContract
from rerank.scores_cache import ScoreCache

CONTRACT = ScoreContract("listwise", -1, 1, "cosine", 131_072, "cut", None, "Apache-2.0", list_relative=True)
WORDS = "relevance passage query answer intent instruction ranking expert how well".split()  # noqa: SIM905 - readable


def texts(count: int, words: int = 12) -> list[str]:
    drawn = np.random.default_rng(count)
    return [" ".join(drawn.choice(WORDS, words)) + f" {i}" for i in range(count)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_listwise(tmp_path_factory.mktemp("listwise"))


def load(folder: Path, **settings: object) -> ListwiseScorer:
    chosen = {"device": "cpu", "dtype": "fp32"} | settings
    return ListwiseScorer.open(folder, "tiny", Loading(**chosen), Profile("tiny", "", CONTRACT, 0))  # type: ignore[arg-type]


def reference(folder: Path, query: str, documents: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
    """The published forward pass, written plainly over the library's own loader: passages (n, d), query (d,)."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids = tokenizer(prompt(query, documents), return_tensors="pt", add_special_tokens=False)["input_ids"]
    with torch.no_grad():
        hidden = Qwen3Model.from_pretrained(folder, dtype=torch.float32)(input_ids=ids).last_hidden_state[0]
    weights = load_file(folder / "model.safetensors")
    projected = torch.relu(hidden @ weights["projector.0.weight"].T) @ weights["projector.2.weight"].T
    marks = ids[0].tolist()
    rows = [i for i, one in enumerate(marks) if one == tokenizer.convert_tokens_to_ids(DOCUMENT_TOKEN)]
    return projected[rows], projected[marks.index(tokenizer.convert_tokens_to_ids(QUERY_TOKEN))]


@pytest.mark.parametrize(
    ("text", "length", "digest"),
    [
        (SYSTEM, 418, "6c2ed923e0072cbb030b27b152a1ea7d65c185183a1b510227c7130c017a60a3"),
        (lead("q", 2), 133, "00f8b89076f3999449d7188d5225334ea7ac597d52f38a9bebcc66d554e946ae"),
        (prompt("q", ["a", "b"]), 774, "c43d3efd7213590ceb7b03f4267468ebbfcc543009fa3a584935c9bd7fbc160c"),
        (prompt("q", ["a", "b"], "i"), 799, "b3c6ba6c612fcb805473441de1a9bc42a420f2912437584f36bfc886760de592"),
    ],
)
def test_the_prompt_is_the_published_one_to_the_letter(text: str, length: int, digest: str) -> None:
    assert len(text) == length
    assert hashlib.sha256(text.encode()).hexdigest() == digest


@pytest.mark.parametrize("inner", [DOCUMENT_TOKEN, QUERY_TOKEN])
@pytest.mark.parametrize("outer", [DOCUMENT_TOKEN, QUERY_TOKEN])
def test_no_marker_survives_however_it_is_hidden(inner: str, outer: str) -> None:
    assert without_markers(f"a{inner}b") == "ab"
    for cut in range(1, len(outer)):
        left = without_markers("x" + outer[:cut] + inner + outer[cut:] + "y")
        assert DOCUMENT_TOKEN not in left
        assert QUERY_TOKEN not in left


def test_one_pass_equals_a_plain_reading_of_the_published_code(folder: Path) -> None:
    documents = texts(10)
    passages, query = reference(folder, "how well", documents)
    expected = torch.nn.functional.cosine_similarity(passages, query[None], dim=1)
    found = load(folder).score("how well", documents)
    np.testing.assert_allclose([one.logit for one in found.scored], expected.numpy(), atol=2e-6)
    assert [one.score for one in found.scored] == [one.logit for one in found.scored]
    assert expected.std() > 0.01  # the passages differ, so that an exchanged order would show


def test_more_passages_than_a_pass_holds_are_merged_by_the_weighted_query(folder: Path) -> None:
    documents = texts(11)
    blocks = [documents[:4], documents[4:8], documents[8:]]
    read = [reference(folder, "intent", block) for block in blocks]
    similar = torch.nn.functional.cosine_similarity
    weights = [float((1 + similar(passages, query[None], dim=1)).max() / 2) for passages, query in read]
    query = torch.stack([weight * query for weight, (_, query) in zip(weights, read, strict=True)]).sum(0) / sum(
        weights
    )
    expected = torch.cat([similar(passages, query[None], dim=1) for passages, _ in read])
    found = load(folder, passages_per_pass=4).score("intent", documents)
    np.testing.assert_allclose([one.score for one in found.scored], expected.numpy(), atol=2e-6)


def test_sixty_four_passages_are_one_pass_and_more_are_several(folder: Path) -> None:
    scorer, done = load(folder), []
    scorer.score("intent", texts(130, 3), progress=lambda at, of: done.append((at, of)))
    assert done == [(64, 130), (128, 130), (130, 130)]


@pytest.mark.parametrize(
    ("lengths", "query", "most", "sizes"),
    [
        ([300] * 300, 20, 125, [125, 125, 50]),
        ([2048] * 130, 512, 125, [63, 63, 4]),
        ([300] * 300, 20, 64, [64, 64, 64, 64, 44]),
        ([5], 20, 64, [1]),
        ([1] * 64, 20, 64, [64]),
    ],
)
def test_passes_follow_the_published_rule(lengths: list[int], query: int, most: int, sizes: list[int]) -> None:
    found = passes(lengths, 131_072 - 2 * query, most, 2048)
    assert [end - start for start, end in found] == sizes
    assert [i for start, end in found for i in range(start, end)] == list(range(len(lengths)))


def test_block_weights_are_half_of_one_plus_the_best_cosine() -> None:
    # pass 1: cosines 0.6 and 0 -> weight 0.8; pass 2: cosine -1 -> weight 0: only the first query counts
    first = np.array([[0.6, 0.8], [0, 1]], np.float32), np.array([1, 0], np.float32)
    second = np.array([[0, -2]], np.float32), np.array([0, 1], np.float32)
    assert merge([first, second]) == pytest.approx([0.6, 0.0, 0.0])
    assert merge([second]) == [-1.0]
    # weights 0.8 and 1: the query is (0.8, 1) / 1.8
    third = np.array([[0, 3]], np.float32), np.array([0, 1], np.float32)
    length = np.hypot(0.8, 1.0)
    assert merge([first, third]) == pytest.approx([(0.6 * 0.8 + 0.8) / length, 1 / length, 1 / length])


def test_a_zero_vector_scores_zero_and_not_nan() -> None:
    assert cosines(np.zeros((2, 3), np.float32), np.ones(3, np.float32)).tolist() == [0, 0]


def test_a_small_window_is_respected_by_reading_in_more_passes(tmp_path: Path) -> None:
    small = load(write_listwise(tmp_path, window=400))
    done: list[int] = []
    found = small.score("intent", texts(20, 30), progress=lambda at, _: done.append(at))
    assert len(found.scored) == 20
    assert len(done) > 3
    assert done[-1] == 20


def test_long_passages_and_queries_are_cut_and_said_so(folder: Path) -> None:
    scorer = load(folder)
    limits = Limits(max_document_tokens=10, max_query_tokens=4)
    found = scorer.score("how well " * 10, ["passage " * 50, "short", ""], limits=limits)
    assert (found.scored[0].tokens, found.scored[1].truncated, found.scored[2].tokens) == (10, 0, 0)
    assert found.scored[0].truncated > 10
    assert (found.query_tokens, found.query_truncated > 4) == (4, True)
    assert any("query was cut" in note for note in found.notes)
    assert any("1 passage was cut" in note for note in found.notes)
    assert scorer.score("how well", ["passage " * 3000]).scored[0].tokens == 2048


def test_a_cut_passage_scores_as_its_beginning(folder: Path) -> None:
    scorer, words = load(folder), ["passage"] + [" ranking"] * 30
    cut = scorer.score("intent", ["".join(words), "other"], limits=Limits(max_document_tokens=12))
    with scorer._model.lend() as model:
        beginning = model.decode(model.encode("".join(words))[:12])
    kept = scorer.score("intent", [beginning, "other"])
    assert [one.score for one in cut.scored] == [one.score for one in kept.scored]


def test_markers_in_a_passage_neither_break_nor_move_scores(folder: Path) -> None:
    scorer = load(folder)
    clean = scorer.score("how well", ["answer", "intent", "expert"])
    dirty = scorer.score(
        f"how{QUERY_TOKEN} well", [f"an{DOCUMENT_TOKEN}swer", f"{QUERY_TOKEN}intent", f"expert{DOCUMENT_TOKEN}"]
    )
    assert [one.score for one in dirty.scored] == [one.score for one in clean.scored]
    nested = "<|embed_<|embed_token|>token|>"
    assert len(scorer.score("how well", [nested, "x"]).scored) == 2


def test_the_same_list_is_not_read_twice_but_another_list_is(folder: Path) -> None:
    scorer = load(folder, scores=ScoreCache())
    documents = texts(5)
    first = scorer.score("intent", documents)
    again = scorer.score("intent", documents)
    assert [one.cached for one in first.scored + again.scored] == [False] * 5 + [True] * 5
    assert [one.score for one in again.scored] == [one.score for one in first.scored]
    reordered = scorer.score("intent", documents[::-1])
    assert not any(one.cached for one in reordered.scored)


def test_scoring_stops_between_passes_when_asked(folder: Path) -> None:
    cancel = Cancel()
    with pytest.raises(Cancelled):
        load(folder, passages_per_pass=1).score(
            "intent", texts(50), cancel=cancel, progress=lambda *_: cancel.request()
        )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("model.norm.weight", "norm.weight"),
        ("projector.2.weight", "projector.2.weight"),
        ("model.layers.1.mlp.up_proj.weight", "up_proj"),
    ],
)
def test_a_missing_tensor_is_named(folder: Path, tmp_path: Path, name: str, message: str) -> None:
    tensors = copy(folder, tmp_path)
    del tensors[name]
    save_file(tensors, tmp_path / "model.safetensors")
    with pytest.raises(BadCheckpoint, match=message):
        load(tmp_path)


@pytest.mark.parametrize("name", ["model.norm.weight", "projector.0.weight"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(folder: Path, tmp_path: Path, name: str, value: float) -> None:
    tensors = copy(folder, tmp_path)
    tensors[name].view(-1)[3] = value
    save_file(tensors, tmp_path / "model.safetensors")
    with pytest.raises(BadCheckpoint, match="NaN"):
        load(tmp_path)


def test_wrong_shapes_and_damaged_files_are_refused(folder: Path, tmp_path: Path) -> None:
    tensors = copy(folder, tmp_path)
    save_file(tensors | {"projector.2.weight": torch.zeros(4, 5)}, tmp_path / "model.safetensors")
    with pytest.raises(BadCheckpoint, match="projector shapes"):
        load(tmp_path)
    save_file(tensors | {"model.norm.weight": torch.zeros(5)}, tmp_path / "model.safetensors")
    with pytest.raises(BadCheckpoint, match="norm"):
        load(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"\x08")
    with pytest.raises(BadCheckpoint, match="cannot be read"):
        load(tmp_path)


def test_a_tokenizer_without_markers_or_of_nonsense_is_refused(folder: Path, tmp_path: Path) -> None:
    copy(folder, tmp_path)
    raw = (folder / "tokenizer.json").read_text()
    (tmp_path / "tokenizer.json").write_text(raw.replace("<|rerank_token|>", "<|other_token|>"))
    with pytest.raises(BadCheckpoint, match="rerank_token"):
        load(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(BadCheckpoint, match="cannot be read"):
        load(tmp_path)
    (tmp_path / "tokenizer.json").unlink()
    with pytest.raises(BadCheckpoint, match="missing"):
        load(tmp_path)


@pytest.mark.parametrize(
    "settings", [{"dtype": "int8"}, {"kernel": "flash-attn"}, {"passages_per_pass": 0}, {"device": "abacus"}]
)
def test_settings_that_cannot_be_met_are_refused(folder: Path, settings: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        load(folder, **settings)


def copy(folder: Path, target: Path) -> dict[str, torch.Tensor]:
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"):
        (target / name).write_bytes((folder / name).read_bytes())
    assert json.loads((target / "config.json").read_text())["model_type"] == "qwen3"
    return load_file(target / "model.safetensors")
