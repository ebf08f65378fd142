"""What the server counts, in Prometheus's text format."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from rerank.scorer import Scoring

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Metrics:
    """The counters of one server."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "secondlook_requests", "Requests answered.", ("route", "method", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "secondlook_request_seconds",
            "Seconds from the request's first byte to the answer's last.",
            ("route",),
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._pairs = Counter("secondlook_pairs", "Query-passage pairs scored.", ("model",), registry=self._registry)
        self._tokens = Counter("secondlook_tokens", "Tokens read by a model.", ("model",), registry=self._registry)
        self._depth = Gauge("secondlook_queue_depth", "Calls that wait or run.", registry=self._registry)
        self._loaded = Gauge("secondlook_models_loaded", "Second stages in memory.", registry=self._registry)

    def watch(self, depth: Callable[[], int], loaded: Callable[[], Sequence[str]]) -> None:
        """Read the gauges from these whenever they are asked for."""
        self._depth.set_function(depth)
        self._loaded.set_function(lambda: len(loaded()))

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one request."""
        self._requests.labels(route, method, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def scored(self, scoring: Scoring) -> None:
        """Count one scoring."""
        self._pairs.labels(scoring.model).inc(len(scoring.scored))
        self._tokens.labels(scoring.model).inc(scoring.tokens)

    def embedded(self, model: str, tokens: int) -> None:
        """Count one embedding call."""
        self._tokens.labels(model).inc(tokens)

    def text(self) -> bytes:
        """Everything, in the text format."""
        return generate_latest(self._registry)
