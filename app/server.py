"""The process that owns an index and answers for it: HTTP API and page on one port."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import uvicorn
    from fastapi import FastAPI

    from app.api.settings import ApiSettings
    from search.engine import SearchEngine

GRACE_SECONDS = 10
"""How long requests in flight may take once a shutdown was asked for."""


def address(bound: socket.socket) -> str:
    """The URL under which a bound socket is reached from this machine."""
    host, port = bound.getsockname()[:2]
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - compared, not bound
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def build(engine: SearchEngine, settings: ApiSettings, url: str) -> FastAPI:
    """The application: the API's routes, and the page at /."""
    import gradio as gr

    from app import api
    from app.snippets import snippets
    from ui import page

    application = api.build(engine, settings)
    blocks = page.build(engine, snippets(url))
    mounted: FastAPI = gr.mount_gradio_app(application, blocks, path="/", **page.mount_options())
    return mounted


def serve(application: FastAPI, bound: socket.socket) -> None:
    """Answer requests until SIGINT or SIGTERM, let those in flight finish, and leave with exit status 0.

    uvicorn raises the signal again once it has shut down; unhandled, SIGTERM would end the process before the index is
    closed.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)
    _server(application).run(sockets=[bound])


@contextmanager
def running(application: FastAPI, bound: socket.socket) -> Iterator[str]:
    """Yield the address of a server that runs in a thread of this process, and stop it at the end."""
    server = _server(application)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, name="server", daemon=True)
    thread.start()
    try:
        yield address(bound)
    finally:
        server.should_exit = True
        thread.join(timeout=GRACE_SECONDS)


def _leave(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - a signal handler's parameters
    raise SystemExit(0)


def _server(application: FastAPI) -> uvicorn.Server:
    import uvicorn

    class Server(uvicorn.Server):
        """A server that ends the page's own endless streams first: an open tab must not hold up a shutdown."""

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            """Let requests in flight finish, then stop."""
            for route in application.routes:
                stop = getattr(getattr(route, "app", None), "stop_event", None)
                if stop is not None:
                    stop.set()
            await super().shutdown(sockets)

    config = uvicorn.Config(
        application, log_level="warning", access_log=False, timeout_graceful_shutdown=GRACE_SECONDS, ws="none"
    )
    return Server(config)
