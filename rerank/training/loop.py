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

from rerank.training.loss import listwise
from rerank.training.material import Example, Material, batches
from rerank.training.model import TokenEncoder
from rerank.training.pool import Say
from rerank.training.recipe import Recipe

_LOSSES = 50
"""Steps that the reported loss is the mean of."""


@dataclass(slots=True)
class Run:
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
    model: TokenEncoder, material: Material, recipe: Recipe, checkpoint: Path, minutes: float | None, say: Say
) -> Run:
    """Return the finished run; the model holds the last step's weights, `best` the best ones.

    Args:
        model: where to start.
        material: what to train on.
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
        _look(model, material, run, say)
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
            with model.autocast():
                loss = _loss(model, material, recipe, examples, negatives)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            clip_grad_norm_([*trained, *head], recipe.clip)
            optimizer.step()
            run.step = place
            run.losses.append(float(loss.detach()))
            run.seconds = time.monotonic() - began
            if place % recipe.every == 0:
                _look(model, material, run, say)
                _save(model, optimizer, run, checkpoint)
    if run.step and run.looks[-1][0] != run.step:
        _look(model, material, run, say)
    _save(model, optimizer, run, checkpoint)
    return run


@torch.inference_mode()
def held_out_scores(model: TokenEncoder, material: Material) -> dict[str, list[float]]:
    """Return nDCG@10 of each held-out query by source: its one positive ranked among its list."""
    found: dict[str, list[float]] = defaultdict(list)
    for one in material.held:
        with model.autocast():
            scores = model.score([one.query], [material.pool[place] for place in one.list])[0]
        found[one.source].append(gain(scores.tolist()))
    return dict(found)


def gain(scores: Sequence[float]) -> float:
    """Return nDCG@10 of a list whose first passage is the only relevant one; among equals it comes last."""
    ahead = sum(score >= scores[0] for score in scores[1:])
    return 1 / math.log2(2 + ahead) if ahead < 10 else 0.0  # noqa: PLR2004  (the 10 of nDCG@10)


def _loss(
    model: TokenEncoder, material: Material, recipe: Recipe, examples: Sequence[Example], negatives: Sequence[list[int]]
) -> Tensor:
    """The loss of one step; `negatives` are places in each example's mined list."""
    owned = [
        [one.positive, *(one.mined.places[at] for at in own)] for one, own in zip(examples, negatives, strict=True)
    ]
    places = list(dict.fromkeys(place for own in owned for place in own))
    column = {place: at for at, place in enumerate(places)}
    width = 1 + recipe.negatives
    lists = torch.full((len(examples), width), -1)
    teacher = torch.zeros(len(examples), width)
    barred = torch.zeros(len(examples), len(places), dtype=torch.bool)
    for row, (one, own, chosen) in enumerate(zip(examples, owned, negatives, strict=True)):
        lists[row, : len(own)] = torch.tensor([column[place] for place in own])
        teacher[row, : len(own)] = torch.tensor([one.mined.positive, *(one.mined.teacher[at] for at in chosen)])
        for place in one.forbidden & column.keys():
            barred[row, column[place]] = place != one.positive
    scores = model.score([one.query for one in examples], [material.pool[place] for place in places])
    device = model.device
    return listwise(
        scores,
        lists.to(device),
        barred.to(device),
        teacher.to(device),
        temperature=recipe.temperature,
        distil=recipe.distil,
    )


def _draw(example: Example, count: int, generator: random.Random) -> list[int]:
    """Places in the example's mined list, drawn without repeats."""
    return generator.sample(range(len(example.mined.places)), min(count, len(example.mined.places)))


def _look(model: TokenEncoder, material: Material, run: Run, say: Say) -> None:
    scores = held_out_scores(model, material)
    means = {source: sum(values) / len(values) for source, values in sorted(scores.items())}
    score = sum(means.values()) / len(means) if means else 0.0
    run.looks.append((run.step, score))
    if run.best_look[0] == run.step:
        run.best = {name: one.detach().cpu().clone() for name, one in model.trained().items()}
    recent = run.losses[-_LOSSES:]
    loss = f"{sum(recent) / len(recent):.4f}" if recent else "-"
    parts = " ".join(f"{source} {value:.3f}" for source, value in means.items())
    say(f"step {run.step}, {run.seconds:.0f} s, loss {loss}, held-out nDCG@10 {score:.4f} ({parts})")


def _save(model: TokenEncoder, optimizer: torch.optim.Optimizer, run: Run, checkpoint: Path) -> None:
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


def _resume(model: TokenEncoder, optimizer: torch.optim.Optimizer, checkpoint: Path, say: Say) -> Run:
    if not checkpoint.is_file():
        return Run()
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    with torch.no_grad():
        for name, one in model.trained().items():
            one.copy_(state["trained"][name])
    optimizer.load_state_dict(state["optimizer"])
    say(f"going on from step {state['step']}")
    looks = [(int(step), float(score)) for step, score in state["looks"]]
    return Run(state["step"], state["seconds"], state["losses"], looks, state["best"])
