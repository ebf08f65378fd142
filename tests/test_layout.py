"""The shape of the project: rooms, one direction of imports, no circles, one name for one thing."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAY_IMPORT = {
    "app": {"app", "ui", "search", "indexer", "rerank", "data"},
    "ui": {"ui", "search", "data"},
    "search": {"search", "indexer", "rerank", "data"},
    "indexer": {"indexer", "rerank.models", "data"},
    "rerank": {"rerank", "data"},
    "data": {"data"},
}
APART = "rerank.training"
"""How the bundled model was made: imported by nothing that serves."""
MOST_FILES = 20
"""Files of code side by side in one folder."""
TOP = {"app", "data", "docs", "indexer", "rerank", "search", "tests", "ui"}


@cache
def modules() -> dict[str, Path]:
    """Every module of the product by its dotted name."""
    files = [file for top in MAY_IMPORT for file in (ROOT / top).rglob("*.py") if "sample" not in file.parts]
    return {".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file for file in files}


def imports(file: Path) -> Iterator[str]:
    """Every dotted name that a file imports, wherever in it the import stands: `a.b` and `a.b.c` for both forms."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield from (f"{node.module}.{name.name}" for name in node.names)


@cache
def arrows() -> dict[str, set[str]]:
    """Which modules of the product each one imports; a name is cut until it is a module's."""

    def owner(name: str) -> str | None:
        while name and name not in modules():
            name = name.rpartition(".")[0]
        return name or None

    return {
        name: {found for one in imports(file) if (found := owner(one))} - {name} for name, file in modules().items()
    }


def circles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """The groups of nodes that reach each other (Tarjan 1972), each sorted."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    path: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        number[node] = low[node] = len(number)
        path.append(node)
        for other in graph.get(node, ()):
            if other not in number:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in path:
                low[node] = min(low[node], number[other])
        if low[node] == number[node]:
            group = path[path.index(node) :]
            del path[path.index(node) :]
            if len(group) > 1:
                found.append(sorted(group))

    for node in graph:
        if node not in number:
            visit(node)
    return found


def test_a_circle_is_found_where_there_is_one() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": set()}) == [["b", "c"]]


@pytest.mark.parametrize("folder", sorted(MAY_IMPORT))
def test_imports_go_one_way(folder: str) -> None:
    inside = {name: file for name, file in modules().items() if name.split(".")[0] == folder}
    assert inside
    wrong = [
        f"{name} imports {other}"
        for name in inside
        for other in arrows()[name]
        if not any(f"{other}.".startswith(f"{allowed}.") for allowed in MAY_IMPORT[folder])
    ]
    assert not wrong


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert circles(arrows()) == []


def test_no_rooms_import_each_other_in_a_circle() -> None:
    rooms: dict[str, set[str]] = defaultdict(set)
    for name, others in arrows().items():
        rooms[room(name)] |= {room(other) for other in others} - {room(name)}
    assert circles(rooms) == []


def room(module: str) -> str:
    """The folder below the top level that a module is in, or itself where it is in none."""
    return ".".join(module.split(".")[:2])


def test_running_models_know_nothing_of_scorers() -> None:
    wrong = [
        f"{name} imports {other}"
        for name in modules()
        if name.startswith("rerank.models.")
        for other in arrows()[name]
        if not other.startswith(("rerank.models", "data"))
    ]
    assert not wrong


def test_wire_shapes_know_nothing_of_the_running_service() -> None:
    reached, ahead = set[str](), [name for name in modules() if name.startswith("app.api.wire.")]
    while ahead:
        name = ahead.pop()
        if name not in reached:
            reached.add(name)
            ahead += [other for other in arrows()[name] if other.startswith("app.")]
    assert reached >= {"app.api.ask", "app.api.wire.jina"}
    assert not {name for name in reached if not name.startswith("app.api.wire")} - {"app.api.ask", "app.api.errors"}
    assert "app.api.wire.jina" not in arrows()["app.api.wire.cohere"]


def test_nothing_that_serves_imports_the_training() -> None:
    wrong = [
        name
        for name, others in arrows().items()
        if not name.startswith(APART) and any(other.startswith(APART) for other in others)
    ]
    assert not wrong


def test_nothing_that_ships_imports_the_tests() -> None:
    support = {file.stem for file in (ROOT / "tests" / "support").glob("*.py")} | {"tests", "conftest"}
    wrong = [name for name, file in modules().items() for one in imports(file) if one.split(".")[0] in support]
    assert not wrong


def test_no_folder_is_a_wall_of_files() -> None:
    folders = {file.parent for file in modules().values()} | {file.parent for file in (ROOT / "tests").rglob("*.py")}
    counts = {folder.relative_to(ROOT): len(list(folder.glob("*.py"))) for folder in folders}
    assert {str(folder): count for folder, count in counts.items() if count > MOST_FILES} == {}


def test_every_room_says_which_question_it_answers() -> None:
    silent = []
    for name, file in modules().items():
        if file.name == "__init__.py":
            says = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
            if "?" not in says.split("\n", maxsplit=1)[0]:
                silent.append(name)
    assert not silent


def test_docstrings_say_what_comes_back_and_not_that_it_is_returned() -> None:
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    wrong = [
        f"{name}: {says}"
        for name, file in modules().items()
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, documented)
        for says in (ast.get_docstring(node) or "").split("\n", maxsplit=1)[:1]
        if says.startswith(("Return ", "Returns ", "Return,", "Nothing, "))
    ]
    assert not wrong


def test_one_name_is_one_class() -> None:
    owners: dict[str, list[str]] = defaultdict(list)
    for name, file in modules().items():
        for defined in named_types(ast.parse(file.read_text(encoding="utf-8"))):
            owners[defined].append(name)
    assert {defined: where for defined, where in owners.items() if len(where) > 1} == {}


def named_types(tree: ast.Module) -> Iterator[str]:
    """Public classes, and aliases of types: capitalised names at the top, constants and type variables aside."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield node.name
    for line in tree.body:
        target = line.targets[0] if isinstance(line, ast.Assign) else getattr(line, "target", None)
        if isinstance(target, ast.Name) and target.id[:1].isupper() and not target.id.isupper():
            value = getattr(line, "value", None)
            if not (isinstance(value, ast.Call) and getattr(value.func, "id", "") == "TypeVar"):
                yield target.id


@pytest.mark.parametrize("package", sorted(MAY_IMPORT))
def test_types_are_offered_to_those_who_import_a_package(package: str) -> None:
    assert (ROOT / package / "py.typed").is_file()


def test_what_a_module_says_is_public_is_there() -> None:
    absent = [
        f"{name}.{offered}"
        for name, file in modules().items()
        if "__all__" in file.read_text(encoding="utf-8")
        for offered in getattr(import_module(name), "__all__", ())
        if not hasattr(import_module(name), offered)
    ]
    assert not absent


def test_the_top_level_is_the_users() -> None:
    folders = {file.name for file in ROOT.iterdir() if file.is_dir() and (file / "__init__.py").exists()}
    assert folders | {"docs", "tests"} == TOP


def test_tests_mirror_the_folders() -> None:
    assert {one.name for one in (ROOT / "tests").iterdir() if one.is_dir()} >= set(MAY_IMPORT) - {"data"}
