import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import checkpoints
import pytest
import torch
from listwise_checkpoint import write_listwise
from rerank_server import rerank_server
from safetensors.torch import load_file, save_file
from transformers import (
    DebertaV2Config,
    DebertaV2ForSequenceClassification,
    ModernBertConfig,
    ModernBertForSequenceClassification,
)

from rerank import load
from rerank.errors import BadCheckpoint, BadInput, ModelNotFound
from rerank.families import family
from rerank.loading import Caches
from rerank.models.hub import cached
from rerank.profiles import LISTWISE, available, find, list_profiles
from rerank.scorer import Scorer

ROOT = Path(__file__).parents[2]
Builder = Callable[[Path], Path]
BUILDERS: dict[str, list[Builder]] = {
    "pointwise": [checkpoints.bert, checkpoints.xlmr, checkpoints.jina_v2, checkpoints.jina_v1],
    "late-interaction": [checkpoints.bert_body],
    "listwise": [write_listwise],
}


def modernbert(folder: Path, labels: int = 1) -> Path:
    """A tiny cross-encoder of an architecture without a native forward."""
    tokenizer = checkpoints.bert_tokenizer()
    torch.manual_seed(0)
    config = ModernBertConfig(
        vocab_size=tokenizer.get_vocab_size(), hidden_size=32, intermediate_size=48, num_hidden_layers=2,
        num_attention_heads=4, max_position_embeddings=128, num_labels=labels, pad_token_id=0,
        cls_token_id=101, sep_token_id=102, bos_token_id=101, eos_token_id=102,
    )  # fmt: skip
    ModernBertForSequenceClassification(config).save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def deberta(folder: Path) -> Path:
    """The same with token types in the tokenizer that the model does not take."""
    tokenizer = checkpoints.bert_tokenizer()
    torch.manual_seed(0)
    config = DebertaV2Config(
        vocab_size=tokenizer.get_vocab_size(), hidden_size=32, intermediate_size=48, num_hidden_layers=2,
        num_attention_heads=4, max_position_embeddings=128, num_labels=1, pad_token_id=0, type_vocab_size=0,
        initializer_range=0.5,
    )  # fmt: skip
    DebertaV2ForSequenceClassification(config).save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


@pytest.mark.process
def test_the_library_works_in_five_lines() -> None:
    program = (
        "from rerank import load\n"
        "scorer = load()\n"
        "found = scorer.rerank('what do pandas eat?', ['Bears hibernate.', 'Pandas eat bamboo.'])\n"
        "assert [one.index for one in found] == [1, 0]\n"
        "print(found[0].document)\n"
    )
    environment = os.environ | {"HF_HUB_OFFLINE": "1"}
    run = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stdout) == (0, "Pandas eat bamboo.\n"), run.stderr


@pytest.mark.process
def test_importing_the_package_loads_neither_torch_nor_numpy() -> None:
    program = "import sys, rerank, rerank.profiles; print([m for m in ('torch', 'numpy', 'httpx') if m in sys.modules])"
    run = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout == "[]\n"


@pytest.mark.parametrize(("kind", "build"), [(kind, build) for kind, several in BUILDERS.items() for build in several])
def test_every_published_layout_is_recognised_and_scores(tmp_path: Path, kind: str, build: Builder) -> None:
    folder = build(tmp_path)
    assert family(folder) == kind
    for name in (folder, str(folder)):
        scorer = load(name, device="cpu", dtype="fp32")
        assert isinstance(scorer, Scorer)
        assert scorer.contract.kind == kind
        assert scorer.name == str(folder)
    assert len(scorer.rerank("panda", ["a panda eats", "the router"])) == 2


@pytest.mark.parametrize("build", [modernbert, deberta])
def test_other_architectures_score_as_transformers_does(tmp_path: Path, build: Builder) -> None:
    from transformers import AutoModelForSequenceClassification, PreTrainedTokenizerFast

    folder = build(tmp_path)
    assert family(folder) == "other"
    scorer = load(folder, device="cpu", dtype="fp32")
    passages = ["a panda eats bamboo", "the router", "panda " * 20]
    found = scorer.score("what does a panda eat", passages)
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"), pad_token="[PAD]")  # noqa: S106
    batch = tokenizer(["what does a panda eat"] * 3, passages, padding=True, return_tensors="pt")
    batch.pop("token_type_ids", None)
    model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32)
    with torch.no_grad():
        expected = model(**batch).logits[:, 0].tolist()
    assert [one.logit for one in found.scored] == pytest.approx(expected, abs=1e-5)
    assert max(expected) - min(expected) > 1e-4
    assert scorer.contract.native_window == 128
    long = scorer.score("panda", ["router " * 300 + "panda"])
    assert long.scored[0].window is not None


def test_a_classifier_of_several_labels_is_no_reranker(tmp_path: Path) -> None:
    with pytest.raises(BadCheckpoint, match="3 labels"):
        load(modernbert(tmp_path, labels=3))


def test_a_foreign_checkpoint_that_lacks_a_tensor_is_refused(tmp_path: Path) -> None:
    folder = modernbert(tmp_path)
    tensors = load_file(folder / "model.safetensors")
    del tensors["classifier.weight"]
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(BadCheckpoint, match=r"classifier\.weight"):
        load(folder)


OWN_CODE = """
import torch
from transformers import PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutput

class OwnConfig(PretrainedConfig):
    model_type = "own"

class OwnModel(PreTrainedModel):
    config_class = OwnConfig
    def __init__(self, config):
        super().__init__(config)
        self.table = torch.nn.Embedding(config.vocab_size, 1)
        self.post_init()
    def forward(self, input_ids, attention_mask):
        values = self.table(input_ids)[:, :, 0] * attention_mask
        return SequenceClassifierOutput(logits=values.sum(1, keepdim=True))
"""


def own_code(folder: Path) -> Path:
    """A checkpoint that only its own Python file can read."""
    tokenizer = checkpoints.bert_tokenizer()
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "own.py").write_text(OWN_CODE)
    config = {
        "model_type": "own",
        "auto_map": {"AutoConfig": "own.OwnConfig", "AutoModelForSequenceClassification": "own.OwnModel"},
        "vocab_size": tokenizer.get_vocab_size(),
        "max_position_embeddings": 64,
        "num_labels": 1,
        "pad_token_id": 0,
    }
    (folder / "config.json").write_text(json.dumps(config))
    table = torch.arange(tokenizer.get_vocab_size(), dtype=torch.float32)[:, None] / 1000
    save_file({"table.weight": table}, folder / "model.safetensors", {"format": "pt"})
    return folder


def test_a_checkpoints_own_code_is_not_run_unless_trusted_and_then_with_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_MODULES_CACHE", str(tmp_path / "modules"))
    folder = tmp_path / "model"
    folder.mkdir()
    own_code(folder)
    with pytest.raises(BadCheckpoint, match="trust-remote-code"):
        load(folder)
    with pytest.warns(UserWarning, match="Running the Python code"):
        scorer = load(folder, trust_remote_code=True, device="cpu", dtype="fp32")
    found = scorer.score("panda", ["a", "router"])
    assert found.scored[0].score != found.scored[1].score


def test_a_known_layout_with_its_own_code_is_read_without_running_it(tmp_path: Path) -> None:
    folder = checkpoints.jina_v2(tmp_path)
    (folder / "modeling_xlm_roberta.py").write_text("raise SystemExit('this must not run')")
    (folder / "configuration_xlm_roberta.py").write_text("raise SystemExit('this must not run')")
    scorer = load(folder, trust_remote_code=True, device="cpu")
    assert len(scorer.score("panda", ["a"]).scored) == 1


def test_pickled_weights_are_refused_until_allowed(tmp_path: Path) -> None:
    folder = checkpoints.bert(tmp_path)
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    expected = load(folder, device="cpu", dtype="fp32").score("panda", ["a panda"]).scored[0].logit
    (folder / "model.safetensors").unlink()
    with pytest.raises(BadCheckpoint, match="pickle"):
        load(folder)
    scorer = load(folder, allow_pickle=True, device="cpu", dtype="fp32")
    assert scorer.score("panda", ["a panda"]).scored[0].logit == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    folder = checkpoints.bert(tmp_path)
    (folder / name).unlink()
    with pytest.raises(BadCheckpoint, match=name):
        load(folder)


@pytest.mark.parametrize("content", [b"", b"\x08", b"not safetensors at all", b"\xff" * 64])
def test_a_corrupt_checkpoint_is_refused(tmp_path: Path, content: bytes) -> None:
    folder = checkpoints.bert(tmp_path)
    (folder / "model.safetensors").write_bytes(content)
    with pytest.raises(BadCheckpoint, match=r"model\.safetensors"):
        load(folder)


def test_a_missing_folder_and_unknown_names_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BadCheckpoint, match="check the path"):
        load(tmp_path / "none")
    with pytest.raises(ModelNotFound, match="did you mean bge-reranker-base"):
        load("bge-reranker-bas")
    with pytest.raises(ModelNotFound, match="known names are minilm-maxsim"):
        load("zzz")
    with pytest.raises(ModelNotFound):
        load(f"{tmp_path}/none")


@pytest.mark.parametrize("name", ["bge-reranker-base", "BAAI/bge-reranker-v2-m3", "someone/some-reranker"])
def test_nothing_is_downloaded_without_permission(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ModelNotFound, match="allow-download"):
        load(name)


def hub_cache(root: Path, repository: str) -> Path:
    """An empty snapshot folder as the hub's client lays it out."""
    base = root / f"models--{repository.replace('/', '--')}"
    (base / "refs").mkdir(parents=True)
    (base / "refs" / "main").write_text("0" * 40)
    snapshot = base / "snapshots" / ("0" * 40)
    snapshot.mkdir(parents=True)
    return snapshot


@pytest.mark.parametrize("body", ["", "0_Transformer"])
def test_an_embedding_model_in_the_hubs_cache_is_found_wherever_its_encoder_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    snapshot = hub_cache(tmp_path, "someone/embedder")
    (snapshot / "modules.json").write_text("[]", encoding="utf-8")
    assert cached("someone/embedder") is None
    checkpoints.bert_body(snapshot / body)
    assert cached("someone/embedder") == snapshot


def test_a_model_in_the_hubs_cache_is_found_and_gets_its_profiles_contract(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    profile = find("jina-reranker")
    assert profile is not None
    assert not available(profile)[0]
    snapshot = hub_cache(tmp_path, profile.source)
    assert cached(profile.source) is None  # an interrupted download is not a model
    checkpoints.jina_v2(snapshot)
    assert available(profile) == (True, f"in the Hugging Face cache: {snapshot}")
    for name in ("jina-reranker", profile.name, profile.source):
        scorer = load(name, device="cpu")
        assert scorer.name == profile.name
        assert scorer.contract == profile.contract
        assert scorer.contract.licence == "CC-BY-NC-4.0"


def test_profiles_are_unique_and_complete() -> None:
    profiles = list_profiles()
    names = [name.casefold() for profile in profiles for name in (profile.name, profile.source, *profile.aliases)]
    assert len(names) == len(set(names))
    assert profiles[0].name == "minilm-maxsim"
    assert available(profiles[0]) == (True, "comes with this installation")
    assert {p.name for p in profiles if "NC" in p.contract.licence} == {
        "jina-reranker-v2-base-multilingual",
        "jina-reranker-v3",
    }
    for alias in ("bge-reranker-v2", "jina-reranker", "BGE-reranker-BASE", "cross-encoder/ms-marco-MiniLM-L6-v2"):
        assert find(alias) is not None
    assert find("nothing") is None


@pytest.mark.parametrize("name", ["second-look-minilm", "minilm-maxsim"])
def test_a_bundled_scorer_has_the_contract_that_its_profile_states(name: str) -> None:
    profile = find(name)
    assert profile is not None
    assert load(name).contract == profile.contract


def test_the_trained_scorer_takes_the_passage_vectors_that_the_untrained_one_has_kept() -> None:
    caches, passages = Caches(), ["Pandas eat bamboo.", "Bears sleep in winter."]
    load("minilm-maxsim", device="cpu", cache=caches).score("what do pandas eat", passages)
    found = load("second-look-minilm", device="cpu", cache=caches).score("what do pandas eat", passages)
    assert [one.cached for one in found.scored] == [True, True]
    assert found.scored[0].score > found.scored[1].score


def test_a_listwise_folder_without_profile_has_the_families_contract(tmp_path: Path) -> None:
    assert load(write_listwise(tmp_path), device="cpu").contract == LISTWISE


def test_the_size_of_a_pass_is_a_setting(tmp_path: Path) -> None:
    done: list[int] = []
    scorer = load(write_listwise(tmp_path), device="cpu", passages_per_pass=2)
    scorer.score("panda", ["a", "b", "c"], progress=lambda at, _: done.append(at))
    assert done == [2, 3]
    with pytest.raises(BadInput, match="at least 1"):
        load(tmp_path, passages_per_pass=0)


def test_servers_are_loaded_by_shape_address_and_model() -> None:
    with rerank_server() as server:
        for scorer in (
            load(f"jina:{server.url}#jina-reranker-v3", api_key="k"),
            load("jina-reranker-v3", url=server.url, api_key="k"),
        ):
            assert scorer.score("a b", ["a"]).scored[0].score == 0.5
            assert (scorer.contract.low, scorer.contract.list_relative) == (-1.0, True)
            assert scorer.contract.licence == "CC-BY-NC-4.0"
            assert server.calls[-1].body["model"] == "jina-reranker-v3"
        assert load("tei", url=server.url).score("a b", ["a b"]).scored[0].score == 1
        assert load("my-model", url=server.url).score("a b", ["a"]).model == "served-model"
        assert server.calls[-1].body["model"] == "my-model"


def test_a_model_that_only_an_api_has_asks_for_a_key() -> None:
    with pytest.raises(ModelNotFound, match="API key"):
        load("jina-reranker-v1-base-en")
    assert load("jina-reranker-v1-base-en", api_key="k").runtime.device == "https://api.jina.ai/v1/rerank"


@pytest.mark.parametrize("name", ["jina:", "jina:nowhere", "cohere:ftp://x"])
def test_a_server_without_a_usable_address_is_refused(name: str) -> None:
    with pytest.raises((BadInput, ModelNotFound)):
        load(name)


def test_caches_are_shared_where_asked(tmp_path: Path) -> None:
    folder, caches = checkpoints.bert(tmp_path), Caches()
    load(folder, device="cpu", cache=caches).score("panda", ["a", "b"])
    found = load(folder, device="cpu", cache=caches).score("panda", ["b", "c"])
    assert [one.cached for one in found.scored] == [True, False]


def test_a_download_that_cannot_happen_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelNotFound, match="could not be fetched"):
        load("bge-reranker-base", allow_download=True)
