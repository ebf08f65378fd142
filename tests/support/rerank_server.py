"""A small rerank server on 127.0.0.1 that answers, or misbehaves, as a test tells it to."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Reply = Callable[["Call"], None]


@dataclass
class Call:
    """One request as it arrived, and the means to answer it."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    handler: BaseHTTPRequestHandler
    number: int

    def send(self, content: object, status: int = 200, kind: str = "application/json", **headers: str) -> None:
        """Answer with JSON, or with bytes as they are."""
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.handler.send_response(status)
        self.handler.send_header("Content-Type", kind)
        self.handler.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.handler.send_header(name.replace("_", "-"), value)
        self.handler.end_headers()
        self.handler.wfile.write(data)


@dataclass
class RerankServer:
    """Where it listens and what it was asked."""

    url: str
    calls: list[Call] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)


def shared_words(query: str, document: str) -> float:
    """A relevance that a test can work out by hand: the share of the query's words that the document has."""
    words = set(query.split())
    return len(words & set(document.split())) / len(words)


def well_behaved(call: Call) -> None:
    """Answer in the shape that the request has, best first, as real servers do."""
    texts = call.body["texts"] if "texts" in call.body else call.body["documents"]
    key = "score" if "texts" in call.body else "relevance_score"
    results = [{"index": i, key: shared_words(call.body["query"], text)} for i, text in enumerate(texts)]
    results.sort(key=lambda one: -one[key])
    call.send(results if "texts" in call.body else {"model": "served-model", "results": results})


@contextmanager
def rerank_server(reply: Reply = well_behaved) -> Iterator[RerankServer]:
    """A server that answers each request by `reply`."""
    state = RerankServer("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            call = Call(self.path, dict(self.headers), body, self, len(state.calls))
            state.calls.append(call)
            try:
                reply(call)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_port}/v1/rerank"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield state
    finally:
        state.stop.set()
        server.shutdown()
        server.server_close()
