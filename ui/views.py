"""What a person sees, as pure functions from values to HTML."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from search.filters import in_words
from search.result import folding
from ui.cost import list_stages, summarise, total_seconds
from ui.markup import render
from ui.rankings import compare

if TYPE_CHECKING:
    from search.engine import DocumentRow, IndexState, IngestProgress, IngestReport
    from search.prompt import Prompt
    from search.result import Result
    from search.scorers import ScorerChoice

MOST_DOCUMENTS = 500
"""Rows of the documents table that a browser shows without pausing."""


def view_header(state: IndexState) -> str:
    """The page's head: name, what is indexed, which device takes the second look, and any warning."""
    return render("header.html", state=state)


def view_opening() -> str:
    """What stands in the page's head until the engine has said what it holds."""
    return render("header.html", state=None)


def view_result(result: Result) -> str:
    """The comparison of both rankings, with summary, cost and warnings."""
    return render(
        "result.html",
        result=result,
        summary=summarise(result),
        stages=list_stages(result.seconds),
        total=total_seconds(result.seconds),
        sides=compare(result),
        top_n=result.settings.top_n,
        filters=in_words(result.settings.filters),
        folded=folding(result.folded, sum(1 for one in result.candidates if one.twins)),
    )


def view_welcome() -> str:
    """What stands in place of a result before the first search."""
    return render("welcome.html")


def view_trouble(sentence: str) -> str:
    """An error as one sentence in a box that a screen reader announces; nothing for an empty sentence."""
    return render("trouble.html", sentence=sentence)


def view_prompts(ranked: Prompt, unranked: Prompt) -> str:
    """The prompt with ranked context beside the one without, each with its size in tokens."""
    return render("prompts.html", ranked=ranked, unranked=unranked)


def view_no_prompt() -> str:
    """What stands in place of the prompts before the first search."""
    return render("no_prompt.html")


def view_scorers(scorers: Sequence[ScorerChoice]) -> str:
    """The second stages that cannot be chosen here, each with the reason; nothing if all can."""
    return render("scorers.html", missing=[one for one in scorers if not one.available])


def view_ingest() -> str:
    """What an ingest run does, for the head of its tab."""
    return render("ingest.html")


def view_progress(progress: IngestProgress, *, stopping: bool = False) -> str:
    """How far an ingest run is: files, chunks, rate, time left, current file, failures."""
    return render("progress.html", at=progress, stopping=stopping)


def view_report(report: IngestReport) -> str:
    """What an ingest run did: counts, then every file that needs a person's attention, then the others."""
    troubled = [one for one in report.outcomes if one.outcome in {"failed", "empty", "skipped"}]
    others = [one for one in report.outcomes if one.outcome not in {"failed", "empty", "skipped"}]
    return render(
        "report.html",
        report=report,
        troubled=troubled,
        others=others[:MOST_DOCUMENTS],
        hidden=len(others) - MOST_DOCUMENTS,
    )


def view_documents(documents: Sequence[DocumentRow], wanted: str = "") -> str:
    """The indexed documents whose path, title, kind or note contains every word of `wanted`."""
    words = wanted.casefold().split()
    found = [
        one
        for one in documents
        if all(word in f"{one.path} {one.title} {one.kind} {one.note}".casefold() for word in words)
    ]
    return render(
        "documents.html", shown=found[:MOST_DOCUMENTS], found=len(found), total=len(documents), wanted=wanted.strip()
    )


def view_about(state: IndexState, snippets: Sequence[tuple[str, str, str]]) -> str:
    """What Second Look is, what it runs on here, and (title, language, code) snippets to use it from code."""
    return render("about.html", state=state, snippets=snippets)
