"""Trains the query side of the bundled late interaction: `python -m rerank.training --pairs FILE --out FOLDER`.

Passages stay as the packaged MiniLM sees them: each is read once, kept as the product keeps it (int8), and a step costs
the forward and backward pass of the queries alone. So token vectors that an index has
cached stay valid, and one model for passages serves both scorers. The embeddings stay frozen too: the folder written
holds the layers alone.

Hard negatives are mined from BM25 and dense retrieval over the positives of all sources; what the base model scores
close to the positive is left out as a likely answer. The loss is a softmax over the positive, its hard negatives and
the positives of the other queries of the step (listwise, as ListNet's top one, Cao et al. 2007), mixed with the
distribution of a teacher made of BM25, cosine and MaxSim of the base model; the cosine of the mean vectors has a
softmax of its own. The step that ranks held-out queries best is kept.

`--size small` is for two CPU cores (half an hour when they are idle), `--size full` for a CUDA GPU (all pairs, three
times over; never run). A run that was stopped goes on from its checkpoint when the same command is given again. Equal
seeds give equal runs on a CPU, except with `--minutes`, which stops by the clock.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import data
from rerank.errors import BadInput, RerankError
from rerank.training.folder import write_folder
from rerank.training.loop import TrainingRun, train
from rerank.training.material import Material, freeze, prepare, thaw
from rerank.training.model import QueryEncoder
from rerank.training.pairs import read_pairs
from rerank.training.pool import Log, Pool, read_pool
from rerank.training.recipe import Recipe, recipe


def fit(
    pairs: Path, out: Path, chosen: Recipe, *, device: str | None = None, minutes: float | None = None, say: Log
) -> TrainingRun:
    """The finished run, its best weights written to `out` and its checkpoint to `out`.work beside it.

    Args:
        pairs: training pairs, see `rerank.training.pairs.read_pairs`.
        out: where the model folder is written.
        chosen: the recipe.
        device: "cpu", "cuda", "cuda:1"; None takes a GPU where there is one.
        minutes: stop training after this long; None runs the recipe to its end.
        say: receives lines for people.

    Raises:
        BadInput: the pairs cannot be used, or the checkpoint belongs to another recipe.
        ValueError: training diverged.
    """
    import torch

    if not pairs.is_file():
        raise BadInput(f"{pairs} does not exist: give a file of training pairs with --pairs.")
    torch.manual_seed(chosen.seed)
    where = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    base = data.minilm_folder()
    model = QueryEncoder(base, chosen.layers).to(where)
    say(f"training on {where} with {torch.get_num_threads()} threads")
    work = out.with_name(out.name + ".work")
    work.mkdir(parents=True, exist_ok=True)
    sources = {"pairs": pairs.name, "pairs_sha256": data.sha256(pairs), "recipe": _plain(chosen)}
    material, pool = _material(pairs, base, model, chosen, work, _fingerprint(sources), say)
    run = train(model, material, pool, chosen, work / "run.pt", minutes, say)
    step, score = run.best_look
    report = {
        **sources,
        "minutes": None if minutes is None else float(minutes),
        "seconds": round(run.seconds, 1),
        "steps": run.step,
        "best_step": step,
        "held_out_ndcg@10": {"base": round(run.looks[0][1], 4), "best": round(score, 4)},
        "held_out_queries": len(material.held),
        "training_queries": len(material.examples),
        "passages": len(material.pool),
        "torch": torch.__version__,
    }
    write_folder(out, base, run.best, report)
    say(f"{out}: step {step}, held-out nDCG@10 {run.looks[0][1]:.4f} -> {score:.4f}")
    return run


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status of the command line: 0, or 2 where the input cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m rerank.training", description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument(
        "--pairs", type=Path, required=True, help="JSON Lines, plain or .xz: query, positive, source, title"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder to write the model to")
    parser.add_argument("--size", choices=("small", "full"), default="small", help="small: two CPU cores; full: a GPU")
    parser.add_argument("--minutes", type=float, default=None, help="stop training after this long")
    parser.add_argument("--device", default=None, help="cpu, cuda, cuda:1; default: a GPU where there is one")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)

    def say(line: str) -> None:
        sys.stderr.write(line + "\n")

    try:
        chosen = recipe(given.size, given.seed)
        fit(given.pairs, given.out, chosen, device=given.device, minutes=given.minutes, say=say)
    except (RerankError, data.ShippedFileError, ValueError) as wrong:
        sys.stderr.write(f"{wrong}\n")
        return 2
    return 0


def _material(
    pairs: Path, base: Path, model: QueryEncoder, chosen: Recipe, work: Path, fingerprint: str, say: Log
) -> tuple[Material, Pool]:
    """The mined material and its pool, from `work` if this run was started before.

    Raises:
        BadInput: `work` belongs to another run.
    """
    mark = work / "fingerprint.txt"
    kept = work / "material.json"
    if mark.is_file() and mark.read_text(encoding="utf-8").strip() != fingerprint:
        raise BadInput(f"{work} holds another run (other pairs, recipe or seed): remove it or choose another --out.")
    if mark.is_file() and kept.is_file():
        say("negatives as mined before")
        material = thaw(kept.read_text(encoding="utf-8"))
        return material, read_pool(base, material.pool, model.device, say)
    mark.write_text(fingerprint + "\n", encoding="utf-8")
    material, pool = prepare(read_pairs(pairs), base, model, chosen, say)
    kept.write_text(freeze(material), encoding="utf-8")
    return material, pool


def _plain(chosen: Recipe) -> dict[str, Any]:
    fields = {name: getattr(chosen, name) for name in chosen.__dataclass_fields__ if name not in {"caps", "rules"}}
    return {**fields, "caps": dict(chosen.caps), "rules": asdict(chosen.rules)}


def _fingerprint(sources: dict[str, Any]) -> str:
    return hashlib.sha256(repr(sorted(sources.items())).encode()).hexdigest()[:16]
