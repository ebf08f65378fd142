"""Templates in, safe HTML out: the one place where markup is rendered."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

from ui.cost import format_seconds, format_wait

if TYPE_CHECKING:
    from jinja2 import Environment


@cache
def _environment() -> Environment:
    """The templates of this folder, escaping everything; a name that is not given is an error."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    templates = Environment(
        loader=PackageLoader("ui"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    templates.filters["fixed"] = format_fixed
    templates.filters["count"] = lambda value: f"{value:,}"
    templates.filters["seconds"] = format_seconds
    templates.filters["tail"] = lambda folder: "/".join(folder.replace("\\", "/").rstrip("/").split("/")[-2:])
    templates.filters["wait"] = format_wait
    templates.filters["plural"] = lambda number, noun: f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
    return templates


def render(template: str, **values: object) -> str:
    """The template filled with the values, as HTML in which every value is text.

    Braces become entities as well: the page's HTML component reads `{{ }}` and `${ }` as a template of its own.
    """
    html = _environment().get_template(template).render(**values)
    return html.replace("{", "&#123;").replace("}", "&#125;")


def format_fixed(value: float, digits: int = 3) -> str:
    """A score with a fixed number of decimals and a true minus sign; a dash for what is not finite."""
    if not math.isfinite(value):
        return "\N{EN DASH}"
    return f"{value:.{digits}f}".replace("-", "\N{MINUS SIGN}")
