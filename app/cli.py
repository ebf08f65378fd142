"""The command line: what a person types, and what is printed."""

from __future__ import annotations

import sys

import typer

from app import failures
from app.commands import bench, chunks, demo, doctor, documents, ingest, models, search, serve, verify, watch
from app.commands import eval as evaluation

cli = typer.Typer(
    name="secondlook",
    help="Two-stage search that shows what the second stage did.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
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


def main() -> None:
    """Run the command line; every failure is one sentence and a non-zero exit."""
    sys.excepthook = failures.say
    command = typer.main.get_command(cli)  # calling `cli` itself would put typer's excepthook in the place of ours
    command(prog_name="secondlook")


if __name__ == "__main__":
    main()
