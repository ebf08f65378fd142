"""How far an ingest run is, on standard error: a bar on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from indexer.report import IngestProgress

CURRENT = 40
"""Characters of the current file's name, counted from its end."""
EVERY = 10.0
"""Seconds between two plain lines."""


@contextmanager
def bar() -> Iterator[Callable[[IngestProgress], None]]:
    """Yield a function that shows an `IngestProgress` on standard error; see the module's first line."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lines(_say)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]} {task.fields[failures]} [dim]{task.fields[current]}"),
    )
    with Progress(*columns, console=console, transient=True) as shown:
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


def lines(say: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> Callable[[IngestProgress], None]:
    """A function that says an `IngestProgress` as one plain line, at most every `EVERY` seconds."""
    due = clock() + EVERY

    def update(progress: IngestProgress) -> None:
        nonlocal due
        if clock() < due:
            return
        due = clock() + EVERY
        left = "" if progress.seconds_left is None else f", {progress.seconds_left:.0f} s left"
        failed = f", {progress.failures} failed" if progress.failures else ""
        say(
            f"{progress.phase}: {progress.files_done} of {progress.files_total} files, {progress.chunks_done} chunks, "
            f"{progress.chunks_per_second:.0f}/s{left}{failed}"
        )

    return update


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
