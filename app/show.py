"""What the command line prints: a result before and after, an ingest report, the models, the checks."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from indexer.chunk import Hit
from indexer.report import IngestReport
from rerank.scorer import Profile
from search.result import Result, folding, movement

SNIPPET = 70
"""Characters of a passage in a table row."""
NAMED = 5
"""Documents that are named where passages were folded, before the rest is only counted."""
LISTED = 20
"""Files with a reason that are listed before the rest is only counted."""


def result(found: Result) -> RenderableType:
    """A result as a table: the final order, and where it came from."""
    table = Table(title=escape(f"{found.query[:100]}"), title_justify="left", header_style="bold", expand=False)
    for name in ("now", "was", "moved", "score", "logit", "fused", "dense", "BM25"):
        table.add_column(name, justify="left" if name == "moved" else "right", no_wrap=True)
    table.add_column("document", overflow="fold")
    table.add_column("passage", overflow="fold")
    for one in found.top:
        candidate = one.candidate
        table.add_row(
            str(one.rank),
            str(candidate.rank),
            _moved(movement(one, found.settings.top_n)),
            f"{one.score:.3f}",
            f"{one.logit:.2f}",
            f"{candidate.fused:.4f}",
            _hit(candidate.dense),
            _hit(candidate.sparse),
            escape(candidate.chunk.document),
            escape(_snippet(candidate.chunk.text)),
        )
    parts: list[RenderableType] = [table, *_dropped(found), *_folded(found), _cost(found)]
    parts.extend(Text(f"note: {note}", style="yellow") for note in found.notes)
    return Group(*parts)


def report(done: IngestReport) -> RenderableType:
    """What an ingest run did: counts, then each file that gave nothing, with the reason, failed ones first."""
    said = ", ".join(f"{count} {name}" for name, count in sorted(done.counts.items())) or "no files"
    stopped = " (cancelled: what is done stays, run again to go on)" if done.cancelled else ""
    head = f"{len(done.outcomes)} files: {said}; {done.chunks} chunks in {done.seconds:.1f} s{stopped}"
    lines: list[RenderableType] = [Text(head)]
    wrong = sorted((one for one in done.outcomes if one.reason), key=lambda one: one.outcome != "failed")
    lines.extend(Text(f"  {one.outcome}: {one.file}: {one.reason}", style="yellow") for one in wrong[:LISTED])
    if len(wrong) > LISTED:
        lines.append(Text(f"  and {len(wrong) - LISTED} more; --report FILE writes them all", style="yellow"))
    return Group(*lines)


def plan(foreseen: IngestReport) -> RenderableType:
    """What an ingest run would do: counts, then every file that it would work on."""
    counts = {**dict.fromkeys(("added", "changed", "unchanged", "renamed", "removed"), 0), **foreseen.counts}
    said = ", ".join(f"{count} {name}" for name, count in counts.items())
    lines = [Text(f"{len(foreseen.outcomes)} files: {said}; nothing was written")]
    for one in foreseen.outcomes:
        if one.outcome not in {"unchanged", "empty"}:
            reason = f": {one.reason}" if one.reason else ""
            lines.append(Text(f"  {one.outcome}: {one.file}{reason}"))
    return Group(*lines)


def models(profiles: Iterable[tuple[Profile, bool, str]]) -> RenderableType:
    """Named second stages as a table: (profile, whether it is here, why or how to get it)."""
    table = Table(header_style="bold")
    for name in ("name", "kind", "size", "reads", "score", "licence", "here", "how to get it, and what it is for"):
        table.add_column(name, overflow="fold")
    for profile, here, reason in profiles:
        contract = profile.contract
        cut = "" if contract.cutoff is None else f", cut at {contract.cutoff:g}"
        table.add_row(
            escape(profile.name),
            contract.kind,
            f"{profile.parameters / 1e6:.0f} M" if profile.parameters else "?",
            f"{contract.native_window:,} tokens" if contract.native_window else "?",
            f"{contract.low:g} to {contract.high:g}, {contract.normalisation}{cut}",
            contract.licence,
            "yes" if here else "no",
            escape("; ".join(part for part in (reason, profile.note) if part)),
        )
    return table


def checks(rows: Iterable[tuple[str, str, str]]) -> RenderableType:
    """(what, finding, next step) rows as a table."""
    table = Table(header_style="bold")
    for name in ("what", "found", "next step"):
        table.add_column(name, overflow="fold")
    for what, finding, step in rows:
        table.add_row(escape(what), escape(finding), escape(step) if step else Text("fine", style="dim"))
    return table


def _dropped(found: Result) -> list[RenderableType]:
    shown = {one.candidate.chunk.id for one in found.top}
    now = {one.candidate.chunk.id: one.rank for one in found.ranked}
    return [
        Text(f"dropped: {escape(one.chunk.document)}, was {one.rank}, now {now[one.chunk.id]}", style="dim")
        for one in found.before
        if one.chunk.id not in shown and one.chunk.id in now
    ]


def _folded(found: Result) -> list[RenderableType]:
    """What was folded into what: the passages shown are named, the others counted."""
    holders = [one for one in found.candidates if one.twins]
    if not holders:
        return []
    shown = {one.candidate.chunk.id for one in found.top}
    lines = [f"folded: {folding(found.folded, len(holders))} --no-collapse ranks each of them"]
    for one in holders:
        if one.chunk.id in shown:
            names = list(dict.fromkeys(twin.document for twin in one.twins))
            more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
            lines.append(f"  into {one.chunk.document}: {', '.join(names[:NAMED])}{more}")
    hidden = sum(len(one.twins) for one in holders if one.chunk.id not in shown)
    if hidden:
        lines.append(f"  {hidden} into candidates that are not shown; --json names them")
    return [Text(line, style="dim") for line in lines]


def _cost(found: Result) -> Text:
    stages = " · ".join(f"{name} {1000 * seconds:.0f} ms" for name, seconds in found.seconds.items())
    among = "" if found.documents is None else f" among {found.documents} documents that the filters leave in"
    blend = f", blended with {found.blend:.0%} first stage" if found.blend else ""
    count = len(found.candidates)
    return Text(f"{count} candidates{among} · {stages}\n{found.scorer}{blend} on {found.runtime}", style="dim")


def _hit(hit: Hit | None) -> str:
    return f"#{hit.rank} {hit.score:.2f}" if hit else "-"


def _moved(words: str) -> Text:
    style = "green" if "up" in words else "red" if "down" in words else "dim"
    return Text(words, style=style)


def _snippet(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= SNIPPET else f"{flat[:SNIPPET]}…"
