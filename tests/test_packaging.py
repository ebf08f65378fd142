"""What a checkout brings: its documents, and locks that agree with what the project asks for."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent


def pins(lock: str) -> dict[str, str]:
    """The version of every package in a lock file."""
    lines = (ROOT / lock).read_text(encoding="utf-8").splitlines()
    found = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(one.name): next(iter(one.specifier)).version for one in found}


@pytest.mark.parametrize(
    "name", ["README.md", "ARCHITECTURE.md", "DECISIONS.md", "CHANGELOG.md", "LICENSE", "requirements.lock"]
)
def test_a_checkout_holds_its_documents(name: str) -> None:
    assert (ROOT / name).stat().st_size > 0


def test_the_lock_pins_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = {"runtime": project["project"]["dependencies"], "development": project["dependency-groups"]["dev"]}
    pinned = pins("requirements.lock")
    for one in map(Requirement, wanted["runtime"]):
        assert one.specifier.contains(pinned[canonicalize_name(one.name)]), one
    pinned |= pins("requirements-dev.lock")
    for one in map(Requirement, wanted["development"]):
        assert one.specifier.contains(pinned[canonicalize_name(one.name)]), one


def test_torch_is_the_release_that_every_figure_was_measured_with() -> None:
    (stated,) = re.findall(r'"torch==(.+?)"', (ROOT / ".ci" / "lock").read_text(encoding="utf-8"))
    assert pins("requirements.lock")["torch"] == stated == "2.13.0"
