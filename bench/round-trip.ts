import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { DuckDBStore } from '../lib/duckdb/store.js';
import { identityOfId, ITSELF, type Point, seriesOf } from '../lib/event.js';
import { InfluxDBStore } from '../lib/influxdb/store.js';
import type { Store } from '../lib/store.js';
import { Tally, type Totals } from '../lib/tally.js';
import { influxDB } from '../test/servers/influxdb.js';
import { temporaryFolder } from '../test/servers/lifetime.js';
import { CLI, FLAGS, influxDBSettings, ServiceProcess } from '../test/servers/service.js';

/**
 * Five million events from the embedded store through copy to InfluxDB and back, and through export and import of both
 * stores in each format, without a service and beside one: how long each command takes, the
 * most memory that it ever has resident (and the service beside it), and whether what arrives has the same count, sum
 * and hash over the series, nanosecond, value and identity of all events.
 */
const SIZE = Number(process.env.SIZE ?? 5_000_000);
const BATCH = 10_000;
const START = BigInt(Date.UTC(2025, 0, 1)) * 1_000_000n;
const SPAN = 30 * 86_400_000; // ms
const IN_ONE_MILLISECOND = 10;
const HOSTS = 100;
const KINDS = ['id', 'sample', 'none'] as const;
const MOST_MEGABYTES = 500;

/** Some events in each millisecond, at nanoseconds of their own: with ids, as samples, and with neither. */
function pointOf(number: number): Point {
  const kind = KINDS[number % KINDS.length] ?? 'none';
  const group = Math.floor(number / IN_ONE_MILLISECOND);
  const milliseconds = Math.floor((group * IN_ONE_MILLISECOND * SPAN) / SIZE);
  const time = START + BigInt(milliseconds) * 1_000_000n + BigInt((number % IN_ONE_MILLISECOND) * 99_991);
  const series = seriesOf('Server-1', kind, { host: `web ${group % HOSTS}` });
  const identity = kind === 'id' ? identityOfId(`event ${number}`, time) : { kind };
  return { series, time, value: (number % 100_003) / 7, identity };
}

/** A store and the settings that lead commands to it. */
interface Place {
  readonly settings: Readonly<Record<string, string>>;
  open(): Promise<Store>;
}

function embedded(): Place {
  const folder = temporaryFolder('embedded');
  const open = (): Promise<Store> => DuckDBStore.open({ path: path.join(folder, 'events.duckdb') });
  return { settings: { STORE: 'duckdb', DATA_DIR: folder }, open };
}

async function onInfluxDB(): Promise<Place> {
  const bucket = await (await influxDB()).createBucket();
  const settings = { ...influxDBSettings(bucket), DATA_DIR: temporaryFolder('influxdb') };
  return { settings, open: () => Promise.resolve(new InfluxDBStore(bucket)) };
}

async function filled(): Promise<Place> {
  const place = embedded();
  const store = await place.open();
  for (let first = 0; first < SIZE; first += BATCH) {
    await store.write(Array.from({ length: Math.min(BATCH, SIZE - first) }, (_, index) => pointOf(first + index)));
  }
  await store.close();
  return place;
}

/**
 * Of all points of a store. Only the identities of ids stay what they are everywhere: an import gives one to events that
 * have none, and InfluxDB cannot tell samples.
 */
async function totalsOf(place: Place): Promise<Totals> {
  const store = await place.open();
  const tally = new Tally();
  for await (const points of store.points({})) {
    tally.add(points.map((point) => (point.series.name === 'id' ? point : { ...point, identity: ITSELF })));
  }
  await store.close();
  return tally.totals;
}

/** The most memory that a process ever had resident, in megabytes (of 1024² bytes); 0 for one that is no more. */
function peakOf(pid: number | undefined): number {
  try {
    const status = readFileSync(`/proc/${String(pid)}/status`, 'utf8');
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

let greatest = 0;

/** Runs a command to its end, and prints how it went. @param service - the one that it runs beside */
async function tracking(
  name: string,
  settings: Place['settings'],
  command: readonly string[],
  service?: ServiceProcess,
): Promise<void> {
  const start = performance.now();
  const child = spawn(process.execPath, [...FLAGS, CLI, ...command], {
    env: { ...process.env, ...settings },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let peak = 0;
  const watch = setInterval(() => (peak = Math.max(peak, peakOf(child.pid))), 20);
  const said = text(child.stderr);
  const [code] = (await once(child, 'close')) as [number | null];
  clearInterval(watch);
  if (code !== 0) throw new Error(`${command.join(' ')} ended with ${String(code)}: ${await said}`);
  const seconds = (performance.now() - start) / 1000;
  const beside = service === undefined ? 0 : peakOf(service.pid);
  greatest = Math.max(greatest, peak, beside);
  row(name, [seconds.toFixed(1), (SIZE / seconds).toFixed(0), peak.toFixed(0), beside === 0 ? '' : beside.toFixed(0)]);
}

function row(name: string, cells: readonly string[]): void {
  console.log(`${name.padEnd(56)}${cells.map((cell) => cell.padStart(12)).join('')}`);
}

async function assertSame(place: Place, expected: Totals): Promise<void> {
  const totals = await totalsOf(place);
  // Added up in another order a sum may be rounded otherwise.
  const sums = Math.abs(totals.sum - expected.sum) <= Math.abs(expected.sum) * 1e-12;
  if (totals.points === expected.points && totals.checksum === expected.checksum && sums) return;
  throw new Error(`There is ${JSON.stringify(totals)}, and should be ${JSON.stringify(expected)}.`);
}

/** Beside a service for each of the two places, or without any. */
async function throughFile(name: string, from: Place, to: Place, ending: string, withServices: boolean): Promise<void> {
  const file = path.join(temporaryFolder('archive'), `all.${ending}`);
  const steps = [
    ['export', from],
    ['import', to],
  ] as const;
  for (const [command, { settings }] of steps) {
    const service = withServices ? await ServiceProcess.start(settings) : undefined;
    await tracking(`${command} ${ending}, ${name}`, settings, [command, file], service);
    await service?.stop();
  }
  rmSync(file);
  await assertSame(to, all);
}

/** Copies from one place to another. */
async function copy(from: Place, to: Place, withService: boolean): Promise<void> {
  const [source, sink] = [from.settings.STORE ?? '', to.settings.STORE ?? ''];
  // The first counts where a service holds the data directory, the others name the second store.
  const settings = { ...to.settings, ...from.settings, ...databaseOf(from), ...databaseOf(to) };
  const service = withService ? await ServiceProcess.start(from.settings) : undefined;
  const name = `copy ${source} to ${sink}${withService ? `, beside a service on ${source}` : ''}`;
  await tracking(name, settings, ['copy', '--from', source, '--to', sink], service);
  await service?.stop();
  await assertSame(to, all);
}

function databaseOf({ settings: { STORE, DATA_DIR } }: Place): Record<string, string> {
  return STORE === 'duckdb' && DATA_DIR !== undefined ? { DUCKDB_PATH: path.join(DATA_DIR, 'events.duckdb') } : {};
}

row('', ['seconds', 'events/s', 'peak MB', 'service MB']);
const origin = await filled();
const all = await totalsOf(origin);
const influx = await onInfluxDB();
await copy(origin, influx, false);
await copy(influx, embedded(), false);
await copy(origin, await onInfluxDB(), true);
await copy(influx, embedded(), true);
for (const ending of ['ndjson', 'parquet']) {
  await throughFile('DuckDB beside a service', origin, embedded(), ending, true);
}
for (const ending of ['ndjson', 'csv', 'lp', 'parquet']) {
  await throughFile('DuckDB', origin, embedded(), ending, false);
}
for (const ending of ['ndjson', 'csv', 'lp', 'parquet']) {
  await throughFile('InfluxDB', influx, await onInfluxDB(), ending, false);
}
console.log(
  `Everywhere ${all.points.toLocaleString('en')} events, sum ${all.sum.toFixed(3)}, hash ${all.checksum}; ` +
    `at most ${greatest.toFixed(0)} MB of memory.`,
);
process.exit(greatest < MOST_MEGABYTES ? 0 : 1);
