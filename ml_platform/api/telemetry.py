"""What the service tells Prometheus: counters and times of all workers together, at `GET /metrics`."""

import os

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector  # type: ignore[no-untyped-call]

from ml_platform.api.options import SHARED_COUNTS

CONTENT_TYPE = CONTENT_TYPE_LATEST

ANSWERS = Counter(
    "ml_platform_answers_total",
    "Answers that were given, by model, arm and cause of a fallback (empty: none).",
    ("model", "arm", "fallback"),
)
REFUSALS = Counter(
    "ml_platform_refusals_total", "Requests for a prediction that were refused.", ("status",)
)
SECONDS = Histogram(
    "ml_platform_answer_seconds",
    "From the whole request to the logged answer.",
    ("model",),
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5),
)
LOGGED = Counter(
    "ml_platform_logged_answers_total",
    "Rows of the log: committed in PostgreSQL, spooled on the disk, or refused by both.",
    ("where",),
)
SHADOWED = Counter(
    "ml_platform_shadow_rows_total", "Rows for a version in shadow: sent, or dropped.", ("fate",)
)


def exposition() -> bytes:
    """The text that Prometheus reads, of all workers."""
    if SHARED_COUNTS not in os.environ:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)
