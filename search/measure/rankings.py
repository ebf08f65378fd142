"""From what a pass gathered to the run of any system: pure functions, nothing is scored again."""

from __future__ import annotations

from collections.abc import Sequence

from rerank.scorer import Scored
from search import second
from search.measure.evaluation import Gathered, Mix, QueryPass, Ranking, SecondStage
from search.measure.metrics import Run, to_run
from search.result import Ranked
from search.settings import BlendBy
from search.shares import first_share


def runs(gathered: Gathered) -> dict[str, Run]:
    """Every system's run: the first stage's, then each second stage with each of its blends."""
    names = dict.fromkeys(name for one in gathered.passes for name in one.rankings)
    found: dict[str, Run] = {name: to_run({one.query: one.rankings[name] for one in gathered.passes}) for name in names}
    for stage in gathered.stages:
        for blend in stage.blends:
            found[system(gathered.base, stage.name, blend)] = reranked(gathered, stage, blend)
    return found


def system(base: str, stage: str, blend: float) -> str:
    """The name of a system: "hybrid + minilm-maxsim", with its blend where there is one."""
    return f"{base} + {stage}" + (f", blend {blend:g}" if blend else "")


def reranked(gathered: Gathered, stage: SecondStage, blend: float, first: int | None = None) -> Run:
    """The run of a second stage with that share of the first one in its order.

    The stage's measured share gives way to 1 for a query that the scorer does not read. With `first`, only so many
    candidates are put into order, as if the first stage had given no more.
    """

    def order(one: QueryPass) -> Ranking:
        kept = [place for place in one.looks.get(stage.name, ()) if first is None or place.candidate.rank <= first]
        measured = blend == stage.measured
        share = first_share(None, blend, one.unread.get(stage.name, ())) if measured else blend
        return _reordered(kept, share, gathered.blend_by)

    return to_run({one.query: order(one) for one in gathered.passes})


def mixed(gathered: Gathered, mix: Mix) -> Run:
    """The run of the first stage alone, mixed in another way."""
    return to_run({one.query: one.fused[mix] for one in gathered.passes})


def _reordered(ranked: Sequence[Ranked], blend: float, by: BlendBy) -> Ranking:
    """The documents in the order that these candidates' scores and the blend give."""
    kept = sorted(ranked, key=lambda one: one.candidate.rank)
    scored = [Scored(logit=one.logit, score=one.score) for one in kept]
    order = second.order([one.candidate for one in kept], scored, blend, by)
    return tuple(one.candidate.chunk.document for one in order)
