"""Which release this is."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def _version() -> str:
    try:
        return version("secondlook")
    except PackageNotFoundError:
        return "0+source"


VERSION = _version()
"""The installed version; "0+source" for a source tree that is not installed."""
