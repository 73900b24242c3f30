import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { TrackingClient } from '../examples/client.js';
import { influxDB } from '../test/servers/influxdb.js';
import { APPLICATION, influxDBSettings, ServiceProcess } from '../test/servers/service.js';
import { processorPressure } from './wrk.js';

/**
 * A million raw events streamed and averages over three million, again and again, while events come in at 2,000 a second,
 * one a request: how long the writes take, beside the same without readers, and how much memory the service needs on top.
 */
const STORED = 3_000_000;
const STREAMED = 1_000_000;
const EVENTS_PER_SECOND = 2000;
const SECONDS = Number(process.env.SECONDS ?? 30);
const QUESTION = '/api/events/Stored/value';

const run = promisify(execFile);
const agent = new Agent({ keepAlive: true, maxSockets: 128 });

async function fill(client: TrackingClient): Promise<void> {
  const batch = 10_000;
  for (let first = 0; first < STORED; first += batch) {
    const lines = Array.from({ length: batch }, (_, index) => {
      const number = first + index;
      return `{"namespace":"Stored","name":"value","timestamp":${1_600_000_000 + number},"value":${number % 1000},"tags":{"host":"host-${number % 10}"}}`;
    });
    await client.track(lines.join('\n'));
  }
}

/** Sends at a steady rate for so many seconds. @returns milliseconds of each request, in order of size */
async function write(service: ServiceProcess, token: string, seconds: number): Promise<number[]> {
  const times: number[] = [];
  const requests: Promise<void>[] = [];
  const start = performance.now();
  for (let sent = 0; sent < seconds * EVENTS_PER_SECOND;) {
    const due = ((performance.now() - start) / 1000) * EVENTS_PER_SECOND;
    for (; sent < due; sent++) requests.push(postOne(service, token).then((time) => void times.push(time)));
    await setTimeout(1);
  }
  await Promise.all(requests);
  return times.sort((one, other) => one - other);
}

function postOne(service: ServiceProcess, token: string): Promise<number> {
  const start = performance.now();
  return new Promise((resolve, reject) => {
    const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' };
    request(`${service.url}/api/track/`, { method: 'POST', agent, headers }, (response) => {
      response.resume().once('end', () => {
        if (response.statusCode === 201) resolve(performance.now() - start);
        else reject(new Error(`Status ${String(response.statusCode)}`));
      });
    })
      .once('error', reject)
      .end('{"namespace":"Live","name":"cpu","value":42}');
  });
}

/** Reads until told to stop, in processes of their own. @returns how often it read */
async function read(service: ServiceProcess, token: string, path: string, stop: AbortSignal): Promise<number> {
  let times = 0;
  const options = [
    '-sf',
    '-o',
    '/dev/null',
    '-H',
    `Authorization: Bearer ${token}`,
    '-H',
    'Accept: application/x-ndjson',
  ];
  while (!stop.aborted) {
    await run('curl', [...options, `${service.url}${path}`]);
    times++;
  }
  return times;
}

function residentMegabytes(service: ServiceProcess): number {
  const kilobytes = /VmRSS:\s*(\d+)/.exec(readFileSync(`/proc/${service.pid ?? 0}/status`, 'utf8'))?.[1];
  return Number(kilobytes) / 1024;
}

function percentiles(times: readonly number[]): string {
  const at = (share: number): string => (times[Math.floor((times.length - 1) * share)] ?? Number.NaN).toFixed(1);
  return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, slowest ${at(1)} ms of ${times.length}`;
}

async function measure(name: string, settings: Readonly<Record<string, string>>): Promise<void> {
  const service = await ServiceProcess.start(settings);
  await fill(new TrackingClient({ url: service.url, clientId: APPLICATION.id, clientSecret: APPLICATION.secret }));
  const token = await service.token();
  await write(service, token, 3);
  console.log(`${name}, writes alone: ${percentiles(await write(service, token, SECONDS))}`);

  const before = residentMegabytes(service);
  let highest = before;
  const watch = setInterval(() => (highest = Math.max(highest, residentMegabytes(service))), 50);
  const readers = new AbortController();
  const reading = [`granularity=none&limit=${STREAMED}`, 'granularity=day&aggregationType=avg'].map((query) =>
    read(service, token, `${QUESTION}?${query}`, readers.signal),
  );
  const times = await write(service, token, SECONDS);
  readers.abort();
  const [streams, averages] = await Promise.all(reading);
  clearInterval(watch);
  console.log(
    `${name}, beside ${String(streams)} streams of a million and ${String(averages)} averages: ${percentiles(times)}; ` +
      `memory ${before.toFixed(0)} MB before, at most +${(highest - before).toFixed(0)} MB; cpu pressure ${processorPressure()} %`,
  );
  await service.stop();
}

await measure('DuckDB', {});
await measure('InfluxDB', influxDBSettings(await (await influxDB()).createBucket()));
process.exit();
