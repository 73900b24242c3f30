"""Sends numbers with InfluxDB's client for Python while the service comes and goes, and prints which ones it gave up.

Arguments: address, token, count.
"""

import json
import sys
import time

from influxdb_client import InfluxDBClient, Point, WriteOptions, WritePrecision

url, token, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
lost = []


def give_up(_, lines, __):
    text = lines.decode() if isinstance(lines, bytes) else str(lines)
    lost.extend(float(line.split("number=")[1].split(" ")[0]) for line in text.splitlines())


options = WriteOptions(
    batch_size=100,
    flush_interval=100,
    jitter_interval=0,
    retry_interval=200,
    max_retry_delay=1_000,
    max_retry_time=120_000,
    max_retries=200,
    exponential_base=2,
)
with InfluxDBClient(url=url, token=token, org="any", enable_gzip=True) as client:
    assert client.ping()
    with client.write_api(write_options=options, error_callback=give_up) as api:
        for number in range(count):
            point = Point("client").tag("language", "python").field("number", float(number))
            api.write("any", "any", point.time(1605179400 + number, WritePrecision.S))
            time.sleep(0.003)
print(json.dumps({"lost": lost}))
