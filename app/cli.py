"""The command line: what a person types, and what is printed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from app import failures
from app.api.version import VERSION
from app.commands import bench, chunks, demo, doctor, documents, ingest, models, search, serve, verify, watch
from app.commands import eval as evaluation

cli = typer.Typer(
    name="secondlook",
    help="Two-stage search that shows what the second stage did.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"secondlook {VERSION}")
        raise typer.Exit


@cli.callback()
def options(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and end.")
    ] = False,
) -> None:
    """Two-stage search that shows what the second stage did."""


for command in (
    ingest.ingest,
    documents.documents,
    verify.verify,
    watch.watch,
    chunks.chunks,
    search.search,
    models.models,
    demo.demo,
    serve.serve,
    doctor.doctor,
):
    cli.command()(command)
cli.command("eval")(evaluation.evaluate)
cli.add_typer(bench.BENCH, name="bench")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line, the process's own if none is given; every failure is one sentence and a non-zero exit."""
    sys.excepthook = failures.say
    command = typer.main.get_command(cli)  # calling `cli` itself would put typer's excepthook in the place of ours
    command(arguments, prog_name="secondlook")


if __name__ == "__main__":
    main()
