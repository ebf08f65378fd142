"""Code that a reader can copy to use what the page uses."""

from __future__ import annotations

from typing import NamedTuple


class Snippet(NamedTuple):
    """One way to call Second Look from outside the page; a plain (title, language, code) will do."""

    title: str
    language: str
    code: str
