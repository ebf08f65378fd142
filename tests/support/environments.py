"""Separate Python environments, below `.test-clients/`, for programs whose requirements collide with ours."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".test-clients"


def prepared(name: str, packages: tuple[str, ...]) -> Path:
    """Return the interpreter of the environment of that name, made and filled if it is not there yet."""
    folder = FOLDER / name
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    stamp = folder / "packages.txt"
    listed = "\n".join(packages)
    if not (stamp.is_file() and stamp.read_text(encoding="utf-8") == listed):
        venv.create(folder, with_pip=True)
        install = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", *packages]
        subprocess.run(install, check=True)  # noqa: S603 - what the caller lists
        stamp.write_text(listed, encoding="utf-8")
    return python
