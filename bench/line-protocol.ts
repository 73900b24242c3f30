import { SeriesTexts } from '../lib/archive.js';
import { linePrefix, lineOf } from '../lib/influxdb/line-protocol.js';
import { momentOf } from '../lib/influxdb/moments.js';
import { LineProtocol } from '../lib/line-protocol.js';
import { setTimeout as sleep } from 'node:timers/promises';
import { natsSettings } from '../test/faults/setups.js';
import { influxDB } from '../test/servers/influxdb.js';
import { OwnNatsServer } from '../test/servers/nats.js';
import { APPLICATION, influxDBSettings, ServiceProcess } from '../test/servers/service.js';
import { median, processorPressure } from './wrk.js';

/**
 * Lines of line protocol a second, in batches of 5,000, each durable when answered, on a few connections: sent to the
 * service on either store, and the same lines to InfluxDB itself. Rounds alternate, and each ratio is the median over
 * the rounds. The times follow the clock, as those of agents do.
 *
 * Every field is an event of a series of its own, so that the service writes a line for each of them. These very lines
 * are sent to InfluxDB itself too: no service in front of it could be faster than that.
 */
const LINES = 5000;
const SERIES = 1000;
const BATCHES = Number(process.env.BATCHES ?? 40);
const CONNECTIONS = Number(process.env.CONNECTIONS ?? 3);
const ROUNDS = Number(process.env.ROUNDS ?? 5);
const FIELDS = (process.env.FIELDS ?? '1,5').split(',').map(Number);

interface Target {
  readonly name: string;
  readonly url: string;
  readonly token: string;
  /** What it gets of a batch, where that is something else. */
  readonly bodyOf?: (batch: Buffer) => Buffer;
  /** Resolves once what it took is in the store, so that the next has the machine for itself. */
  readonly settled?: () => Promise<void>;
}

const start = BigInt(Date.now() + 5000) * 1_000_000n;
let batchesMade = 0;

/** Some hosts' figures of a few seconds. */
function makeBatch(fields: number): Buffer {
  const lines = Array.from({ length: LINES }, (_, index) => {
    const host = index % SERIES;
    const values = Array.from(
      { length: fields },
      (_, field) => `usage_${field}=${(Math.random() * 100).toFixed(field % 2 === 0 ? 2 : 12)}`,
    );
    const time = start + BigInt(batchesMade * (LINES / SERIES) + Math.floor(index / SERIES)) * 1_000_000_000n;
    return `cpu,host=web-${host},region=eu-${host % 4} ${values.join(',')} ${String(time)}`;
  });
  batchesMade++;
  return Buffer.from(lines.join('\n'));
}

const protocol = new LineProtocol();
const prefixes = new SeriesTexts(linePrefix);

/** The lines of a batch as the service writes them to InfluxDB. */
function linesOfEvents(batch: Buffer): Buffer {
  const { points } = protocol.read(batch, { precision: 'ns', strings: 'refuse', receivedAt: start });
  const lines = points.map(({ series, time, value }) => {
    const { milliseconds, nanoseconds } = momentOf(time);
    return lineOf(prefixes.of(series), value, undefined, milliseconds, nanoseconds);
  });
  return Buffer.from(lines.join('\n'));
}

/** @returns lines a second */
async function send({ url, token, bodyOf }: Target, batches: readonly Buffer[]): Promise<number> {
  const queue = (bodyOf ? batches.map(bodyOf) : batches).values();
  const started = performance.now();
  const connection = async (): Promise<void> => {
    for (const body of queue) {
      const response = await fetch(url, {
        method: 'POST',
        headers: { Authorization: `Token ${token}` },
        body: new Uint8Array(body),
      });
      if (response.status !== 204) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, connection));
  return (batches.length * LINES * 1000) / (performance.now() - started);
}

const influxdb = await influxDB();

async function itself(name: string, bodyOf?: Target['bodyOf']): Promise<Target> {
  const { url, org, bucket, token } = await influxdb.createBucket();
  return { name, url: `${url}/api/v2/write?org=${org}&bucket=${bucket}`, token, ...(bodyOf && { bodyOf }) };
}

async function service(name: string, settings: Record<string, string>): Promise<Target> {
  const { url } = await ServiceProcess.start(settings);
  return { name, url: `${url}/api/v2/write?bucket=any`, token: `${APPLICATION.id}:${APPLICATION.secret}` };
}

/** What is acknowledged behind a queue is in NATS, on disk, and comes to InfluxDB later. */
async function behindQueue(name: string): Promise<Target> {
  const settings = { ...influxDBSettings(await influxdb.createBucket()), ...natsSettings(await OwnNatsServer.start()) };
  const target = await service(name, settings);
  const metrics = new URL('/metrics', target.url);
  const settled = async (): Promise<void> => {
    while (!/^tracking_queue_lag_seconds 0$/m.test(await (await fetch(metrics)).text())) await sleep(100);
  };
  return { ...target, settled };
}

const direct = await itself('InfluxDB itself');
const targets = [
  direct,
  await itself('InfluxDB itself, a line for each event', linesOfEvents),
  await service('the service on InfluxDB', influxDBSettings(await influxdb.createBucket())),
  await behindQueue('the service on InfluxDB behind NATS'),
  await service('the service on DuckDB', {}),
];

for (const fields of FIELDS) {
  const rates = new Map<Target, number[]>(targets.map((target) => [target, []]));
  for (let round = -1; round < ROUNDS; round++) {
    const batches = Array.from({ length: round < 0 ? 10 : BATCHES }, () => makeBatch(fields));
    for (const target of targets) {
      const rate = await send(target, batches);
      await target.settled?.();
      if (round >= 0) rates.get(target)?.push(rate);
    }
  }
  const peer = rates.get(direct) ?? [];
  for (const [{ name }, own] of rates) {
    const ratios = own.map((rate, round) => rate / (peer[round] ?? Number.NaN));
    const spread = ratios.map((ratio) => ratio.toFixed(2)).join(' ');
    console.log(
      `${fields} field(s) a line, ${name}: ${median(own).toFixed(0)} lines/s, ${median(ratios).toFixed(2)} of direct (${spread})`,
    );
  }
}
console.log(`cpu pressure ${processorPressure()} %`);
process.exit();
