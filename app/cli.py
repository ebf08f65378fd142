"""The command line: what a person types, and what is printed."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

from app import failures
from app.commands import chunks, documents, measure, searching, serving, watching

cli = typer.Typer(
    name="secondlook",
    help="Two-stage search that shows what the second stage did.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
documents.add(cli)
watching.add(cli)
chunks.add(cli)
searching.add(cli)
serving.add(cli)
measure.add(cli)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line, the process's own if none is given; every failure is one sentence and a non-zero exit."""
    sys.excepthook = failures.say
    command = typer.main.get_command(cli)  # calling `cli` itself would put typer's excepthook in the place of ours
    command(arguments, prog_name="secondlook")


if __name__ == "__main__":
    main()
