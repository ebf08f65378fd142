"""A bar for an ingest run: files, chunks, rate, time left, current file, failures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from collections.abc import Callable

    from indexer.report import IngestProgress

CURRENT = 40
"""Characters of the current file's name, counted from its end."""


@contextmanager
def bar() -> Iterator[Callable[[IngestProgress], None]]:
    """Yield a function that shows an `IngestProgress`; on a terminal that is a bar on standard error."""
    from rich.console import Console

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]} {task.fields[failures]} [dim]{task.fields[current]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task("scan", total=None, rate="", left="", failures="", current="")

        def update(progress: IngestProgress) -> None:
            left = "" if progress.seconds_left is None else f"{progress.seconds_left:.0f} s left"
            shown.update(
                task,
                description=progress.phase,
                total=progress.files_total or None,
                completed=progress.files_done,
                rate=f"{progress.chunks_done} chunks, {progress.chunks_per_second:.0f}/s",
                left=left,
                failures=f"[yellow]{progress.failures} failed[/]" if progress.failures else "",
                current=escape(progress.current[-CURRENT:]),
            )

        yield update
