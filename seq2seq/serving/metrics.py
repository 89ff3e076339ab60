"""What a server counts, in Prometheus' format."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest


class Metrics:
    """The figures of one server, in a registry of its own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter("seqx_requests", "Requests.", ["path", "status"], registry=self._registry)
        self.seconds = Histogram("seqx_request_seconds", "Time to answer.", ["path"], registry=self._registry)
        self.lines = Counter("seqx_lines", "Lines or texts computed.", ["model"], registry=self._registry)
        self.tokens = Counter("seqx_generated_tokens", "Tokens generated.", ["model"], registry=self._registry)
        self.batches = Histogram(
            "seqx_batch_lines",
            "Lines of a batch.",
            ["model"],
            buckets=(1, 2, 4, 8, 16, 32, 64, 128, 512),
            registry=self._registry,
        )
        self.waiting = Gauge("seqx_waiting", "Lines and texts that wait.", registry=self._registry)

    def text(self) -> bytes:
        """All figures, as Prometheus reads them."""
        return generate_latest(self._registry)
