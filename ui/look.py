"""How the page looks: theme, stylesheet, script and icon, as the arguments that mounting or launching takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def mount_options() -> dict[str, Any]:
    """The keyword arguments for `gr.mount_gradio_app` and `Blocks.launch`: both take the same names.

    The stylesheet goes into the head: the `css` argument splits selectors at every comma, those inside `:is()` too.
    Fonts come with Gradio and every file is served by the page itself, so that it works without a network.
    """
    import gradio as gr
    from gradio.themes.utils.fonts import LocalFont

    return {
        "theme": gr.themes.Base(
            primary_hue=gr.themes.colors.blue,
            neutral_hue=gr.themes.colors.stone,
            radius_size=gr.themes.sizes.radius_sm,
            font=("Second Look Sans", "system-ui", "sans-serif"),
            font_mono=(LocalFont("IBM Plex Mono"), "ui-monospace", "monospace"),
        ),
        "head": f"<style>{read_styles()}</style>",
        "js": (HERE / "page.js").read_text(encoding="utf-8"),
        "favicon_path": str(HERE / "icon.svg"),
        "footer_links": [],
        "ssr_mode": False,
        "show_error": False,
    }


def read_styles() -> str:
    """The whole stylesheet: the files of `styles/` in the order of their names."""
    return "\n".join(one.read_text(encoding="utf-8") for one in sorted((HERE / "styles").glob("*.css")))
