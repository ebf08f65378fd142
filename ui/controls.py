"""The page's controls by name: what the layout makes and the events bind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Controls:
    """Every Gradio component that an event reads or writes."""

    visit: Any
    """gr.State: this visitor's last result."""
    stop: Any
    """gr.State: the flag of this visitor's running ingest."""
    header: Any
    query: Any
    search: Any
    examples: tuple[tuple[str, Any], ...]
    """Each example query with its button."""
    trouble: Any
    result: Any
    candidates: Any
    top_n: Any
    scorer: Any
    fusion: Any
    weight_mode: Any
    weight: Any
    sparse: Any
    blend_mode: Any
    blend: Any
    cut: Any
    cutoff: Any
    collapse: Any
    filters: tuple[Any, ...]
    """Collection, path, type, since, until: in the order in which `search.filters.typed` takes them."""
    filter_box: Any
    """The fold that holds them; its label says how many ask for something."""
    clear: Any
    prompts: Any
    template: Any
    budget: Any
    folder: Any
    start: Any
    cancel: Any
    report: Any
    wanted: Any
    documents: Any
    about: Any

    @property
    def settings(self) -> tuple[Any, ...]:
        """The search settings, in the order in which the search handler takes them."""
        return (
            self.candidates,
            self.top_n,
            self.scorer,
            self.fusion,
            self.weight_mode,
            self.weight,
            self.sparse,
            self.blend_mode,
            self.blend,
            self.cut,
            self.cutoff,
            self.collapse,
            *self.filters,
        )
