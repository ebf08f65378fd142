"""Which files of a folder are to be indexed."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pathspec import GitIgnoreSpec

from indexer.errors import FolderError
from indexer.report import FileOutcome

IGNORE_FILE = ".secondlookignore"
"""Patterns of files to leave out, in the syntax of .gitignore, read from the folder's root."""


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file as the walk saw it."""

    file: str
    """Path relative to the folder, forward slashes; bytes that are not UTF-8 are written as `\\xNN`."""
    path: Path
    size: int
    mtime_ns: int


def scan(folder: Path, leave_out: Path | None = None) -> tuple[list[FoundFile], list[FileOutcome]]:
    """The folder's files in path order, and what was skipped with the reason.

    Hidden files and folders, what `.secondlookignore` names, and the folder `leave_out` are passed over silently.
    Links to folders are not followed, nor links that leave the folder.

    Raises:
        FolderError: the folder is missing, is not a folder, or cannot be listed.
    """
    if not folder.exists():
        raise FolderError(f"The folder {shown(folder)} does not exist: check the path.")
    if not folder.is_dir():
        raise FolderError(f"{shown(folder)} is a file, not a folder: give the folder that holds it.")
    root = folder.resolve()
    skipped: list[FileOutcome] = []
    ignored = _ignored(root)
    found: dict[str, FoundFile] = {}
    for path, relative in _walk(root, root, ignored, leave_out.resolve() if leave_out else None, skipped):
        file = shown(relative)
        one = _look(root, path, file)
        if isinstance(one, FileOutcome):
            skipped.append(one)
        elif file in found:
            skipped.append(
                FileOutcome(file, "skipped", "Another file's name is written the same way: rename one of them.")
            )
        else:
            found[file] = one
    return sorted(found.values(), key=lambda one: one.file), skipped


def shown(path: Path) -> str:
    r"""A path as valid Unicode with forward slashes; bytes that are not UTF-8 become `\xNN`."""
    return os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace")


def _ignored(root: Path) -> GitIgnoreSpec:
    try:
        lines = (root / IGNORE_FILE).read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        lines = []
    except OSError as reason:
        raise FolderError(
            f"{shown(root / IGNORE_FILE)} cannot be read ({reason.strerror}): fix or remove it."
        ) from reason
    try:
        return GitIgnoreSpec.from_lines(lines)
    except ValueError as reason:
        raise FolderError(f"{shown(root / IGNORE_FILE)} holds a pattern that cannot be read ({reason}).") from reason


def _walk(
    root: Path, folder: Path, ignored: GitIgnoreSpec, leave_out: Path | None, skipped: list[FileOutcome]
) -> Iterator[tuple[Path, Path]]:
    try:
        with os.scandir(folder) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
    except OSError as reason:
        if folder == root:
            raise FolderError(f"The folder {shown(root)} cannot be listed ({reason.strerror}).") from reason
        skipped.append(
            FileOutcome(shown(folder.relative_to(root)), "skipped", f"The folder cannot be listed ({reason.strerror}).")
        )
        return
    for entry in listed:
        path = Path(entry.path)
        relative = path.relative_to(root)
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            if path != leave_out and not ignored.match_file(f"{shown(relative)}/"):
                yield from _walk(root, path, ignored, leave_out, skipped)
        elif not ignored.match_file(shown(relative)):
            yield path, relative


def _look(root: Path, path: Path, file: str) -> FoundFile | FileOutcome:
    try:
        if path.is_symlink():
            target = path.resolve(strict=True)
            if target.is_dir():
                return FileOutcome(file, "skipped", "It is a link to a folder, which is not followed.")
            if not target.is_relative_to(root):
                return FileOutcome(file, "skipped", "It is a link that leaves the folder.")
        status = path.stat()
    except (OSError, RuntimeError) as reason:
        return FileOutcome(file, "skipped", f"It cannot be looked at ({getattr(reason, 'strerror', None) or reason}).")
    if not stat.S_ISREG(status.st_mode):
        return FileOutcome(file, "skipped", "It is not a regular file.")
    return FoundFile(file, path, status.st_size, status.st_mtime_ns)
