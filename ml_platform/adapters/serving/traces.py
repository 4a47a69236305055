"""Traces of requests by OpenTelemetry, sent where its variables say; without them none of it is imported here.

A span holds names, versions, counts and statuses. No feature, no person, no key and no text of an error is in one.
"""

import logging
import threading
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from ml_platform.serving.answer_row import AnswerRow

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
"""Variables of OpenTelemetry that name a receiver; traces are made if one of them is set."""
NAME = "ml-platform"
CLOSE_SECONDS = 2.0
"""How long the end of a process waits until the last spans are sent."""
_DISABLED = "OTEL_SDK_DISABLED"
_CONTEXT = ("traceparent", "tracestate")
_NOTHING = nullcontext()
_LOG = logging.getLogger(__name__)


class Traces:
    """No traces: every method does nothing."""

    is_on = False

    def request(
        self, method: str, headers: Mapping[bytes, bytes]
    ) -> AbstractContextManager["RequestSpan"]:
        """The span of a request; a child of what its ``traceparent`` names."""
        return nullcontext(RequestSpan())

    def stage(self, name: str) -> AbstractContextManager[None]:
        """A span of a part of the request that is being answered."""
        return _NOTHING

    def elsewhere(self, name: str, context: Mapping[str, str]) -> AbstractContextManager[None]:
        """A span of work for a request of another process, which has sent its `context`."""
        return _NOTHING

    def context(self) -> dict[str, str]:
        """W3C's ``traceparent`` and ``tracestate`` of the present span, for another process; empty without one."""
        return {}

    def answered(self, row: AnswerRow) -> None:
        """Say in the span of the request who has answered it."""

    def rows(self, model: str, count: int) -> None:
        """Say in the span of the request that it has many rows for a model."""

    def close(self) -> None:
        """Send what waits."""


class RequestSpan:
    """The span of a request while it is answered."""

    def end(self, route: str, status: int) -> None:
        """Say what was asked for and how it ended.

        Args:
            route: The path as the service declares it, with names for what varies; empty if there is none.
            status: Of the response; 0 if there was none.
        """


NO_TRACES = Traces()


def traces_from(environment: Mapping[str, str], part: str) -> Traces:
    """The traces that the variables of OpenTelemetry ask for.

    Args:
        environment: The variables of the process; the library reads those of the receiver, of sampling and of its
            queue itself.
        part: The part of the service that this process is, such as ``worker``.

    A variable that cannot be used is told in the log, and takes the traces away, not the service.
    """
    disabled = environment.get(_DISABLED, "").strip().lower() == "true"
    if disabled or not any(environment.get(name, "").strip() for name in ENDPOINTS):
        return NO_TRACES
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    try:
        return SentTraces(OTLPSpanExporter(), part, environment.get("OTEL_SERVICE_NAME") or NAME)
    except (OSError, ValueError) as error:
        _LOG.warning("no traces are sent, since a variable OTEL_... cannot be used: %s", error)
        return NO_TRACES


class SentTraces(Traces):
    """Spans that are sent in the background: a receiver that is away costs spans, and no request."""

    is_on = True

    def __init__(self, exporter: "SpanExporter", part: str, name: str) -> None:
        """A thread begins to wait for spans; its queue is bounded (2,048, ``OTEL_BSP_MAX_QUEUE_SIZE``)."""
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        resource = Resource.create({"service.name": name, "service.component": part})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("ml_platform")

    @contextmanager
    def request(self, method: str, headers: Mapping[bytes, bytes]) -> Iterator["RequestSpan"]:
        """See `Traces.request`."""
        from opentelemetry.trace import SpanKind

        carrier = {
            name: headers[name.encode()].decode("latin-1")
            for name in _CONTEXT
            if name.encode() in headers
        }
        with self._tracer.start_as_current_span(
            method,
            _parent(carrier),
            SpanKind.SERVER,
            {"http.request.method": method},
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            yield _Started(span, method)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """See `Traces.stage`."""
        with self._tracer.start_as_current_span(
            name, record_exception=False, set_status_on_exception=False
        ):
            yield

    @contextmanager
    def elsewhere(self, name: str, context: Mapping[str, str]) -> Iterator[None]:
        """See `Traces.elsewhere`."""
        with self._tracer.start_as_current_span(
            name, _parent(context), record_exception=False, set_status_on_exception=False
        ):
            yield

    def context(self) -> dict[str, str]:
        """See `Traces.context`."""
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        carrier: MutableMapping[str, str] = {}
        TraceContextTextMapPropagator().inject(carrier)
        return dict(carrier)

    def answered(self, row: AnswerRow) -> None:
        """See `Traces.answered`."""
        self._say(
            {
                "ml_platform.model": row.model,
                "ml_platform.version": row.version,
                "ml_platform.arm": row.arm,
                "ml_platform.fallback": row.fallback,
            }
        )

    def rows(self, model: str, count: int) -> None:
        """See `Traces.rows`."""
        self._say({"ml_platform.model": model, "ml_platform.rows": count})

    def close(self) -> None:
        """See `Traces.close`; returns after `CLOSE_SECONDS` in any case."""
        closing = threading.Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        closing.join(CLOSE_SECONDS)

    def _say(self, attributes: dict[str, Any]) -> None:
        from opentelemetry.trace import get_current_span

        get_current_span().set_attributes(attributes)


class _Started(RequestSpan):
    def __init__(self, span: Any, method: str) -> None:
        self._span = span
        self._method = method

    def end(self, route: str, status: int) -> None:
        from opentelemetry.trace import StatusCode

        if route:
            self._span.update_name(f"{self._method} {route}")
            self._span.set_attribute("http.route", route)
        if status:
            self._span.set_attribute("http.response.status_code", status)
        if status >= 500 or not status:
            self._span.set_status(StatusCode.ERROR)


def _parent(carrier: Mapping[str, str]) -> Any:
    """The context that a carrier names; one without a parent if it names none."""
    from opentelemetry.context import Context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return TraceContextTextMapPropagator().extract(carrier, Context())
