"""The shape of the project: one direction of imports, and what every checkout must hold."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAY_IMPORT = {
    "app": {"app", "ui", "search", "indexer", "rerank", "data"},
    "ui": {"ui", "search", "data"},
    "search": {"search", "indexer", "rerank", "data"},
    "indexer": {"indexer", "data"},
    "rerank": {"rerank", "data"},
    "data": {"data"},
}


def imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name.split(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module.split(".")[0]


@pytest.mark.parametrize("folder", sorted(MAY_IMPORT))
def test_imports_go_one_way(folder: str) -> None:
    files = [one for one in (ROOT / folder).rglob("*.py") if "sample" not in one.parts]
    assert files
    wrong = [
        f"{file.relative_to(ROOT)} imports {name}"
        for file in files
        for name in imported(file)
        if name in MAY_IMPORT and name not in MAY_IMPORT[folder]
    ]
    assert not wrong


def test_nothing_that_ships_imports_the_tests() -> None:
    wrong = [
        file
        for folder in MAY_IMPORT
        for file in (ROOT / folder).rglob("*.py")
        if "sample" not in file.parts and "tests" in set(imported(file))
    ]
    assert not wrong


@pytest.mark.parametrize(
    "name", ["README.md", "ARCHITECTURE.md", "DECISIONS.md", "CHANGELOG.md", "LICENSE", "requirements.lock"]
)
def test_a_checkout_holds_its_documents(name: str) -> None:
    assert (ROOT / name).stat().st_size > 0


def test_tests_mirror_the_folders() -> None:
    assert {one.name for one in (ROOT / "tests").iterdir() if one.is_dir()} >= set(MAY_IMPORT) - {"data"}


def test_the_lock_pins_what_the_project_asks_for() -> None:
    import tomllib

    from packaging.requirements import Requirement

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    pins = {
        pin.name.lower().replace("_", "-"): pin
        for pin in (Requirement(line) for line in lock if line and not line.startswith("#"))
    }
    for wanted in map(Requirement, project["dependencies"]):
        pin = pins[wanted.name.lower().replace("_", "-")]
        (version,) = (one.version for one in pin.specifier)
        assert wanted.specifier.contains(version), f"{wanted} is pinned at {version}"
    assert str(pins["torch"].specifier) == "==2.13.0"
