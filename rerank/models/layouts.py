"""The published names of encoder weights, layout by layout, mapped onto one naming.

Own names: `word`, `position`, `type`, `norm.weight`, `norm.bias`; per layer `{i}.qkv`, `{i}.attended`, `{i}.norm1`,
`{i}.up`, `{i}.down`, `{i}.norm2`, each with `.weight` and, where there is one, `.bias`; `dense` and `out` of the head.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

NATIVE_TYPES = frozenset(("", "bert", "xlm-roberta", "roberta", "camembert"))
"""Values of `model_type` in a config whose tensors, under the names below, mean what they say."""
Body = Literal["bert", "xlm-roberta", "xlm-roberta-fused", "jina-bert"]

_BERT_LAYER = {
    "attended": "attention.output.dense",
    "norm1": "attention.output.LayerNorm",
    "up": "intermediate.dense",
    "down": "output.dense",
    "norm2": "output.LayerNorm",
}
_FUSED_LAYER = {"attended": "mixer.out_proj", "norm1": "norm1", "up": "mlp.fc1", "down": "mlp.fc2", "norm2": "norm2"}
_JINA_LAYER = {
    "attended": "attention.output.dense",
    "norm1": "attention.output.LayerNorm",
    "up": "mlp.gated_layers",
    "down": "mlp.wo",
    "norm2": "mlp.layernorm",
}
_QKV = ("attention.self.query", "attention.self.key", "attention.self.value")


@dataclass(frozen=True, slots=True)
class Layout:
    """How one family names its tensors."""

    family: Body
    prefix: str
    """Before every name of the encoder; empty in a bare body."""
    norm: str
    """The layer norm after the embeddings."""
    layer: str
    """The start of a layer's names, `{i}` standing for its number."""
    parts: dict[str, str]
    qkv: tuple[str, ...]
    """Query, key and value projections; one name where they are published as one matrix."""
    head: tuple[str, str] | None
    """Names of the dense layer and of the output layer that score the first token; None in a bare body."""
    spare: tuple[str, ...] = ()
    """Prefixes of tensors that belong to the layout but play no part in the forward."""

    def names(self, layers: int, *, positions: bool) -> dict[str, tuple[str, ...]]:
        """Own name -> published names; several are stacked along the first dimension in that order."""
        plain = {"word": "word", "type": "token_type"} | ({"position": "position"} if positions else {})
        found: dict[str, tuple[str, ...]] = {
            own: (f"{self.prefix}embeddings.{theirs}_embeddings.weight",) for own, theirs in plain.items()
        }
        for part in ("weight", "bias"):
            found[f"norm.{part}"] = (f"{self.prefix}{self.norm}.{part}",)
            for i in range(layers):
                start = self.prefix + self.layer.format(i=i)
                found[f"{i}.qkv.{part}"] = tuple(f"{start}{one}.{part}" for one in self.qkv)
                for own, theirs in self.parts.items():
                    if (own, part) == ("up", "bias") and self.family == "jina-bert":
                        continue
                    found[f"{i}.{own}.{part}"] = (f"{start}{theirs}.{part}",)
            if self.head is not None:
                found[f"dense.{part}"] = (f"{self.head[0]}.{part}",)
                found[f"out.{part}"] = (f"{self.head[1]}.{part}",)
        return found


def detect(keys: Iterable[str], config: dict[str, object]) -> Layout:
    """The layout that these tensor names are in.

    ALiBi checkpoints call themselves "bert" in their config, so the names and `position_embedding_type` decide.

    Raises:
        ValueError: the names follow none of the known layouts.
    """
    names = set(keys)
    prefix = next((one for one in ("roberta.", "bert.") if any(name.startswith(one) for name in names)), "")
    head = _head(names, prefix)
    if any(".mixer.Wqkv." in name for name in names):
        return Layout("xlm-roberta-fused", prefix, "emb_ln", "encoder.layers.{i}.", _FUSED_LAYER, ("mixer.Wqkv",), head)
    gated = any(".mlp.gated_layers." in name for name in names)
    if gated or config.get("position_embedding_type") == "alibi":
        if not gated:
            raise ValueError("the config says ALiBi but there are no `mlp.gated_layers` tensors")
        layer = "encoder.layer.{i}."
        return Layout("jina-bert", prefix, "embeddings.LayerNorm", layer, _JINA_LAYER, _QKV, head, _spare(prefix, head))
    if not any(".attention.self.query." in name for name in names):
        raise ValueError("no encoder layers by a known name")
    roberta = prefix == "roberta." or str(config.get("model_type", "")) in {"xlm-roberta", "roberta", "camembert"}
    family: Body = "xlm-roberta" if roberta else "bert"
    layer = "encoder.layer.{i}."
    return Layout(family, prefix, "embeddings.LayerNorm", layer, _BERT_LAYER, _QKV, head, _spare(prefix, head))


def _head(names: set[str], prefix: str) -> tuple[str, str] | None:
    if "classifier.out_proj.weight" in names:
        return "classifier.dense", "classifier.out_proj"
    if "classifier.weight" in names:
        return f"{prefix}pooler.dense", "classifier"
    return None


def _spare(prefix: str, head: tuple[str, str] | None) -> tuple[str, ...]:
    """A bare body may carry the pooler of its pre-training, which token vectors do not use."""
    return (f"{prefix}pooler.",) if head is None else ()
