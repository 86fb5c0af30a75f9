"""One trace from the phone to the last listener: traceparent through HTTP, outbox, Kafka and handler.

Trace ids always exist, so that logs of several services can be laid side by side; spans are recorded and exported
only where OTEL_EXPORTER_OTLP_ENDPOINT is set.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased, TraceIdRatioBased
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

SHARE_OF_TRACES_KEPT = 0.1
PROPAGATOR = TraceContextTextMapPropagator()

_provider = TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False)


def configure(service: str, endpoint: str | None) -> None:
    """Name the service in spans and switch the exporter on, if there is an endpoint to send to."""
    global _provider
    if endpoint is None:
        return
    # Imported here: the exporter pulls in a HTTP client and protobuf that nobody else needs.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    sampler = ParentBased(TraceIdRatioBased(SHARE_OF_TRACES_KEPT))
    _provider = TracerProvider(sampler=sampler, resource=Resource({SERVICE_NAME: f"yike-{service}"}))
    exporter = OTLPSpanExporter(endpoint=endpoint.rstrip("/") + "/v1/traces")
    _provider.add_span_processor(BatchSpanProcessor(exporter))


def stop() -> None:
    """Send what is still held back."""
    _provider.shutdown()


@contextmanager
def continue_trace(traceparent: str | None, name: str) -> Iterator[None]:
    """A span below `traceparent`, or the first of a new trace."""
    carrier = {"traceparent": traceparent} if traceparent else {}
    parent = PROPAGATOR.extract(carrier, context=otel_context.Context())
    with _provider.get_tracer("yike").start_as_current_span(name, context=parent):
        yield


def current_traceparent() -> str:
    """What to write into a header, so that the next one can continue the trace; empty outside of any."""
    carrier: dict[str, str] = {}
    PROPAGATOR.inject(carrier)
    return carrier.get("traceparent", "")


def current_trace_id() -> str | None:
    span = trace.get_current_span().get_span_context()
    return trace.format_trace_id(span.trace_id) if span.is_valid else None
