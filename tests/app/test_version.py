from __future__ import annotations

from importlib.metadata import version

from typer.testing import CliRunner

from app.cli import cli


def test_the_version_is_the_installed_one() -> None:
    told = CliRunner().invoke(cli, ["--version"])
    assert told.exit_code == 0
    assert told.stdout == f"secondlook {version('secondlook')}\n"
