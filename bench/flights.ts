import { execFileSync } from 'node:child_process';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { TrackingClient } from '../examples/client.js';
import { type FlightIdentity, openFlights } from '../examples/flights/dataset.js';
import { loadFlights } from '../examples/flights/load.js';
import { type BucketAccess, OwnInfluxDBServer } from '../test/servers/influxdb.js';
import { APPLICATION, influxDBSettings, ServiceProcess } from '../test/servers/service.js';

/**
 * Three million flights: seconds to load and megabytes on disk, through the service onto either store, with and without
 * ids, beside the same events in line protocol sent straight to InfluxDB, which keeps 2,450,771 of them.
 */
const EVENTS_PER_REQUEST = 10_000;

async function throughService(
  settings: Record<string, string>,
  identity: FlightIdentity,
): Promise<[string, ServiceProcess]> {
  const service = await ServiceProcess.start(settings);
  const client = new TrackingClient({ url: service.url, clientId: APPLICATION.id, clientSecret: APPLICATION.secret });
  const seconds = await loadFlights(client, identity);
  const [whole] = await client.ask<{ value: number }>(
    '/api/events/Flights/delay?granularity=all&aggregationType=count',
  );
  await service.stop();
  return [`${seconds.toFixed(1)} s, ${String(whole?.value)} stored`, service];
}

async function straight({ url, token, org, bucket }: BucketAccess): Promise<number> {
  const connection = await openFlights();
  const result = await connection.stream('SELECT seconds, delay, origin FROM flights ORDER BY number');
  const start = performance.now();
  const post = async (lines: readonly string[]): Promise<void> => {
    const response = await fetch(`${url}/api/v2/write?org=${org}&bucket=${bucket}&precision=s`, {
      method: 'POST',
      headers: { Authorization: `Token ${token}`, 'Content-Encoding': 'gzip' },
      body: new Uint8Array(await promisify(gzip)(lines.join('\n'), { level: 1 })),
    });
    if (!response.ok) throw new Error(await response.text());
  };
  let lines: string[] = [];
  for (let chunk = await result.fetchChunk(); chunk && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
    for (const [seconds, delay, origin] of chunk.getRows()) {
      lines.push(`Flights,name=delay,origin=${String(origin)} value=${String(delay)} ${String(seconds)}`);
      if (lines.length < EVENTS_PER_REQUEST) continue;
      await post(lines);
      lines = [];
    }
  }
  await post(lines);
  return (performance.now() - start) / 1000;
}

function megabytes(folder: string): string {
  return /^\d+/.exec(execFileSync('du', ['-sm', folder], { encoding: 'utf8' }))?.[0] ?? 'not known';
}

for (const identity of ['none', 'row'] as const) {
  const [embedded, service] = await throughService({}, identity);
  console.log(`DuckDB, identity ${identity}: ${embedded}, ${megabytes(service.dataDirectory)} MB`);
  const influxdb = await OwnInfluxDBServer.start();
  const [stored] = await throughService(influxDBSettings(await influxdb.createBucket()), identity);
  await influxdb.stop();
  console.log(`InfluxDB, identity ${identity}: ${stored}, ${megabytes(influxdb.folder)} MB`);
}
const influxdb = await OwnInfluxDBServer.start();
const seconds = await straight(await influxdb.createBucket());
await influxdb.stop();
console.log(`straight to InfluxDB: ${seconds.toFixed(1)} s, ${megabytes(influxdb.folder)} MB`);
process.exit();
