"""What `eval` prints: one row a system, intervals and paired tests below it, curves and tuning where asked for."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from search.measure.curves import Curves
from search.measure.report import COMPARED, Report, System
from search.measure.tuning import Tuning

METRICS = (COMPARED, "mrr@10", "map", "hit@5", "hit@10", "recall@100")
"""Metrics in the printed table; the JSON holds all."""


def report(found: Report) -> RenderableType:
    """An evaluation report as tables and lines."""
    table = _table(f"{found.dataset} ({found.split}), {found.queries} judged queries", padding=(0, 0, 0, 1))
    table.add_column("system", overflow="fold", min_width=18)
    for metric in METRICS:
        table.add_column(metric, justify="right", no_wrap=True)
    for system in found.systems:
        table.add_row(escape(system.name), *(f"{system.means[metric]:.3f}" for metric in METRICS))
    lines = [Text(_tested(system)) for system in found.systems]
    cost = ", ".join(f"{name} {round(value, 2):g} ms" for name, value in found.milliseconds.items())
    curves = [table for name, one in (found.curves or {}).items() for table in _curves(name, one)]
    tuning = [] if found.tuning is None else [*_tuning(found.tuning)]
    return Group(table, *lines, Text(f"mean per query: {cost}", style="dim"), *curves, *tuning)


def _tested(system: System) -> str:
    low, high = system.intervals[COMPARED]
    said = f"{system.name}: nDCG@10 {system.means[COMPARED]:.3f}, 95 % {low:.3f} to {high:.3f}"
    if system.name == system.baseline:
        return said
    test = system.against
    tally = f"{test.wins}/{test.ties}/{test.losses}"
    return f"{said}; against {system.baseline} {test.difference:+.4f}, p {test.p:.3f}, {tally}"


def _curves(name: str, curves: Curves) -> Iterator[Table]:
    if curves.candidates:
        yield _numbers(
            f"{name}: candidates",
            ("candidates", COMPARED, "milliseconds"),
            [(one.candidates, one.ndcg, one.milliseconds) for one in curves.candidates],
        )
    if curves.cutoff:
        yield _numbers(
            f"{name}: cutoff",
            ("cutoff", "kept", "precision", "recall"),
            [(one.cutoff, one.kept, one.precision, one.recall) for one in curves.cutoff],
        )


def _numbers(title: str, columns: tuple[str, ...], rows: list[tuple[float, ...]]) -> Table:
    table = _table(title)
    for column in columns:
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(*(f"{value:g}" for value in row))
    return table


def _tuning(tuning: Tuning) -> Iterator[Table]:
    fusions = _table("fusions", "fusion", "share of BM25", COMPARED)
    for fused in tuning.fusions:
        share = "" if fused.fusion == "rrf" else f"{fused.sparse_weight:g}"
        fusions.add_row(fused.fusion, share, f"{fused.ndcg:.4f}")
    yield fusions
    blends = _table("blends", "second stage", "share of the first", COMPARED)
    for name, points in tuning.blends.items():
        for point in points:
            blends.add_row(escape(name), f"{point.blend:g}", f"{point.ndcg:.4f}")
    yield blends


def _table(title: str, *columns: str, padding: tuple[int, int, int, int] = (0, 1, 0, 1)) -> Table:
    return Table(*columns, title=escape(title), title_justify="left", header_style="bold", padding=padding)
