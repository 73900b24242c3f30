"""Sends metrics through the OpenTelemetry SDK for Python; prints what it counted as JSON."""

import json
import sys
import time

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource

url, authorization, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
exporter = OTLPMetricExporter(endpoint=f"{url}/v1/metrics", headers={"Authorization": authorization}, timeout=10)
reader = PeriodicExportingMetricReader(exporter, export_interval_millis=200)
resource = Resource.create({"service.name": "python", "host.name": "web-1"})
provider = MeterProvider(metric_readers=[reader], resource=resource)
meter = provider.get_meter("test")
orders = meter.create_counter("orders")
durations = meter.create_histogram("durations", explicit_bucket_boundaries_advisory=[1.0, 10.0])

total = rounds = 0
end = time.monotonic() + seconds
while time.monotonic() < end:
    rounds += 1
    total += rounds
    orders.add(rounds, {"shop": "a"})
    durations.record(rounds % 20)
    time.sleep(0.05)
provider.force_flush()
provider.shutdown()
print(json.dumps({"total": total, "rounds": rounds, "duration": sum(nth % 20 for nth in range(1, rounds + 1))}))
