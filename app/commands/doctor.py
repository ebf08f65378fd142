"""The command that looks at what the others would run on: doctor."""

from __future__ import annotations

from rich.console import Console

from app import doctor as examination
from app import show
from app.commands import options


def doctor(
    index: options.IndexOption = None, scorer: options.ScorerOption = None, device: options.Device = None
) -> None:
    """Say what is installed, what runs where, and whether the index is whole."""
    Console().print(show.checks(examination.examine(options.settings(index, scorer=scorer, device=device))))
