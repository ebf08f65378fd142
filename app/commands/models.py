"""The command that lists the second stages: models."""

from __future__ import annotations

from rich.console import Console

from app import show
from app.commands import options
from app.compose import stay_offline


def models() -> None:
    """List the named second stages: size, licence, what a score means, whether they are here, how to get them."""
    from rerank.profiles import available, list_profiles

    stay_offline(options.settings())
    Console().print(show.models((profile, *available(profile)) for profile in list_profiles()))
