"""Each command of the command line is in a file of its name."""

from __future__ import annotations

from pathlib import Path

from app import commands
from app.cli import cli

SHARED = {"__init__", "options"}


def test_a_command_is_in_the_file_of_its_name() -> None:
    named = {one.name or one.callback.__name__: one.callback for one in cli.registered_commands if one.callback}
    assert {name: one.__module__ for name, one in named.items()} == {name: f"app.commands.{name}" for name in named}
    groups = {str(group.name) for group in cli.registered_groups}
    files = {file.stem for file in Path(str(commands.__file__)).parent.glob("*.py")}
    assert files - SHARED == set(named) | groups
