"""The training loop: steps, looks at the held-out queries, and a checkpoint to resume from."""

from __future__ import annotations

import math
import random
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from rerank.training.loss import BARRED, contrast, interaction, listwise, own_interaction
from rerank.training.material import Example, Material, batches
from rerank.training.model import Asked, QueryEncoder
from rerank.training.pool import Log, Pool, interactions
from rerank.training.recipe import Recipe

_LOSSES = 50
"""Steps that the reported loss is the mean of."""
_AT_ONCE = 16
"""Queries whose own passages are unpacked at once: 16 x 16 passages of 128 tokens are 50 MB in fp32."""


@dataclass(slots=True)
class TrainingRun:
    """Where a training run stands; everything that a checkpoint holds besides the weights."""

    step: int = 0
    seconds: float = 0.0
    losses: list[float] = field(default_factory=list)
    """Of every step so far."""
    looks: list[tuple[int, float]] = field(default_factory=list)
    """(step, mean nDCG@10 over the held-out sources)."""
    best: dict[str, Tensor] = field(default_factory=dict)
    """The trained tensors of the best look."""

    @property
    def best_look(self) -> tuple[int, float]:
        """Step and score of the best look, the earlier one where two are equal."""
        return max(self.looks, key=lambda one: (one[1], -one[0]))


def train(
    model: QueryEncoder,
    material: Material,
    pool: Pool,
    recipe: Recipe,
    checkpoint: Path,
    minutes: float | None,
    say: Log,
) -> TrainingRun:
    """The finished run; the model holds the last step's weights, `best` the best ones.

    Args:
        model: where to start.
        material: what to train on.
        pool: its passages as vectors.
        recipe: how.
        checkpoint: written at every look; if it exists already, the run goes on from there.
        minutes: stop after this long, mining not counted; the rate then falls with the clock where that is faster.
        say: receives lines for people.
    """
    from torch.nn.utils import clip_grad_norm_

    trained = [one for one in model.body.parameters() if one.requires_grad]
    head = list(model.weigh.parameters())
    optimizer = torch.optim.AdamW(
        [{"params": trained, "lr": recipe.rate}, {"params": head, "lr": recipe.head_rate, "weight_decay": 0.0}],
        weight_decay=recipe.decay,
    )
    rates = (recipe.rate, recipe.head_rate)
    run = _resume(model, optimizer, checkpoint, say)
    if not run.looks:
        _look(model, material, pool, run, say)
    steps = recipe.epochs * (len(material.examples) // recipe.batch)
    generator = random.Random(recipe.seed)
    began = time.monotonic() - run.seconds
    place = 0
    for epoch in range(recipe.epochs):
        for chosen in batches(material, recipe, epoch):
            place += 1
            examples = [material.examples[at] for at in chosen]
            negatives = [_draw(one, recipe.negatives, generator) for one in examples]
            if place <= run.step:
                continue
            done = place / max(1, steps)
            if minutes is not None:
                done = max(done, (time.monotonic() - began) / (60 * minutes))
            if done >= 1 and place < steps:
                break
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * min(done / recipe.warm_up, (1 - done) / (1 - recipe.warm_up) + 1 / max(1, steps))
            loss = _loss(model, pool, recipe, examples, negatives)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            clip_grad_norm_([*trained, *head], recipe.clip)
            optimizer.step()
            run.step = place
            run.losses.append(float(loss.detach()))
            run.seconds = time.monotonic() - began
            if place % recipe.every == 0:
                _look(model, material, pool, run, say)
                _save(model, optimizer, run, checkpoint)
    if run.step and run.looks[-1][0] != run.step:
        _look(model, material, pool, run, say)
    _save(model, optimizer, run, checkpoint)
    return run


@torch.inference_mode()
def held_out_scores(model: QueryEncoder, material: Material, pool: Pool) -> dict[str, list[float]]:
    """nDCG@10 of each held-out query by source: its one positive ranked among its list."""
    found: dict[str, list[float]] = defaultdict(list)
    for one in material.held:
        places = torch.tensor([one.list], device=model.device)
        scores = interactions(pool, model.ask([one.query]), places)[0]
        found[one.source].append(gain(scores.tolist()))
    return dict(found)


def gain(scores: Sequence[float]) -> float:
    """nDCG@10 of a list whose first passage is the only relevant one; among equals it comes last."""
    ahead = sum(score >= scores[0] for score in scores[1:])
    return 1 / math.log2(2 + ahead) if ahead < 10 else 0.0  # noqa: PLR2004  (the 10 of nDCG@10)


def _loss(
    model: QueryEncoder, pool: Pool, recipe: Recipe, examples: Sequence[Example], negatives: Sequence[list[int]]
) -> Tensor:
    """The loss of one step; `negatives` are places in each example's mined list."""
    own = torch.empty(len(examples), 1 + recipe.negatives, dtype=torch.long)
    short = torch.zeros(own.shape, dtype=torch.bool)
    teacher = torch.full(own.shape, BARRED)
    barred = torch.zeros(len(examples), len(examples), dtype=torch.bool)
    for row, (one, chosen) in enumerate(zip(examples, negatives, strict=True)):
        places = [one.positive, *(one.mined.places[at] for at in chosen)]
        own[row] = torch.tensor(places + [one.positive] * (own.shape[1] - len(places)))
        short[row, len(places) :] = True
        teacher[row, : len(places)] = torch.tensor([one.mined.positive, *(one.mined.teacher[at] for at in chosen)])
        for column, other in enumerate(examples):  # its own positive among them: it is in the own list
            barred[row, column] = other.positive in one.forbidden
    own, short, teacher, barred = (part.to(model.device) for part in (own, short, teacher, barred))
    asked = model.ask([one.query for one in examples])
    positives = own[:, 0]
    scores = torch.cat([_own_scores(pool, asked, own, slice(at, at + _AT_ONCE)) for at in range(0, len(own), _AT_ONCE)])
    others = interaction(asked.tokens, asked.weights, *pool.tokens(positives))
    cosines = (asked.means[:, None] * pool.means[own]).sum(dim=2)
    other_cosines = asked.means @ pool.means[positives].T
    ranking = listwise(
        scores.masked_fill(short, BARRED),
        others.masked_fill(barred, BARRED),
        teacher,
        temperature=recipe.temperature,
        distil=recipe.distil,
    )
    dense = contrast(
        cosines.masked_fill(short, BARRED), other_cosines.masked_fill(barred, BARRED), recipe.cosine_temperature
    )
    return ranking + recipe.cosine * dense


def _own_scores(pool: Pool, asked: Asked, own: Tensor, rows: slice) -> Tensor:
    vectors, mask = pool.tokens(own[rows])
    return own_interaction(asked.tokens[rows], asked.weights[rows], vectors, mask)


def _draw(example: Example, count: int, generator: random.Random) -> list[int]:
    """Places in the example's mined list, drawn without repeats."""
    return generator.sample(range(len(example.mined.places)), min(count, len(example.mined.places)))


def _look(model: QueryEncoder, material: Material, pool: Pool, run: TrainingRun, say: Log) -> None:
    scores = held_out_scores(model, material, pool)
    means = {source: sum(values) / len(values) for source, values in sorted(scores.items())}
    score = sum(means.values()) / len(means) if means else 0.0
    run.looks.append((run.step, score))
    if run.best_look[0] == run.step:
        run.best = {name: one.detach().cpu().clone() for name, one in model.trained().items()}
    recent = run.losses[-_LOSSES:]
    loss = f"{sum(recent) / len(recent):.4f}" if recent else "-"
    parts = " ".join(f"{source} {value:.3f}" for source, value in means.items())
    say(f"step {run.step}, {run.seconds:.0f} s, loss {loss}, held-out nDCG@10 {score:.4f} ({parts})")


def _save(model: QueryEncoder, optimizer: torch.optim.Optimizer, run: TrainingRun, checkpoint: Path) -> None:
    state: dict[str, Any] = {
        "step": run.step,
        "seconds": run.seconds,
        "losses": run.losses,
        "looks": run.looks,
        "best": run.best,
        "trained": {name: one.detach().cpu() for name, one in model.trained().items()},
        "optimizer": optimizer.state_dict(),
    }
    fresh = checkpoint.with_suffix(".new")
    torch.save(state, fresh)
    fresh.replace(checkpoint)


def _resume(model: QueryEncoder, optimizer: torch.optim.Optimizer, checkpoint: Path, say: Log) -> TrainingRun:
    if not checkpoint.is_file():
        return TrainingRun()
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    with torch.no_grad():
        for name, one in model.trained().items():
            one.copy_(state["trained"][name])
    optimizer.load_state_dict(state["optimizer"])
    say(f"going on from step {state['step']}")
    looks = [(int(step), float(score)) for step, score in state["looks"]]
    return TrainingRun(state["step"], state["seconds"], state["losses"], looks, state["best"])
