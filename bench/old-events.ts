import { type Identity, identityOfId, ITSELF, type Point, SAMPLE, seriesOf } from '../lib/event.js';
import { InfluxDBStore } from '../lib/influxdb/store.js';
import { Ingest } from '../lib/ingest.js';
import { influxDB } from '../test/servers/influxdb.js';
import { median, processorPressure } from './wrk.js';

/**
 * Old events on InfluxDB: one-event requests from 256 callers, their timestamps scattered over the last 30 days of a
 * series with a point a second, beside live ones; without an identity, with ids, and as samples. First how long it
 * takes to know the pages, and in how much memory.
 */
const DAYS = 30;
const DAY = 86_400_000;
const CALLERS = 256;
const EVENTS = Number(process.env.EVENTS ?? 30_000);
const PAIRS = Number(process.env.PAIRS ?? 5);
const END = Math.floor(Date.now() / DAY) * DAY;
const START = END - DAYS * DAY;

const bucket = await (await influxDB()).createBucket();

function point(milliseconds: number, identity: Identity, value = 1): Point {
  const series = seriesOf('Server-1', 'cpu', { host: 'web-1' });
  return { series, time: BigInt(milliseconds) * 1_000_000n, value, identity };
}

async function fillSeries(): Promise<void> {
  const store = new InfluxDBStore(bucket);
  for (let from = START; from < END; from += 10_000_000) {
    const seconds = Math.min(10_000, (END - from) / 1000);
    // As samples, which need no page: the store that is measured starts without knowledge anyway.
    await store.write(Array.from({ length: seconds }, (_, second) => point(from + second * 1000, SAMPLE)));
  }
  await store.close();
}

let sent = 0;

function identity(kind: Identity['kind'], milliseconds: number): Identity {
  if (kind !== 'id') return { kind };
  return identityOfId(`event-${String(++sent)}`, BigInt(milliseconds) * 1_000_000n);
}

/** Events a second. */
async function rate(store: InfluxDBStore, kind: Identity['kind'], time: () => number): Promise<number> {
  const ingest = new Ingest((points) => store.write(points), {
    maxWaiting: 100_000,
    maxBatch: 10_000,
    timeout: 60_000,
  });
  let left = EVENTS;
  const begin = performance.now();
  const caller = async (): Promise<void> => {
    while (left-- > 0) {
      const milliseconds = time();
      await ingest.accept([point(milliseconds, identity(kind, milliseconds))]);
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
  await ingest.close();
  return (EVENTS / (performance.now() - begin)) * 1000;
}

async function learnPages(store: InfluxDBStore): Promise<void> {
  const before = process.memoryUsage().rss;
  const begin = performance.now();
  await store.write(Array.from({ length: DAYS }, (_, day) => point(START + day * DAY + 500, ITSELF)));
  const { pages, bytes } = store.memory;
  const grown = process.memoryUsage().rss - before;
  console.log(
    `${String(pages)} pages of ${String((DAYS * DAY) / 1000)} points known in ${(performance.now() - begin).toFixed(0)} ms, ` +
      `${(bytes / 1e6).toFixed(0)} MB kept, process +${(grown / 1e6).toFixed(0)} MB`,
  );
}

const anyOldTime = (): number => START + Math.floor(Math.random() * (END - START));

await fillSeries();
const store = new InfluxDBStore(bucket);
await rate(store, 'none', Date.now);
await learnPages(store);
for (const [kind, words] of [
  ['none', 'without ids'],
  ['id', 'with ids'],
  ['sample', 'as samples'],
] as const) {
  const pairs: { live: number; old: number }[] = [];
  for (let pair = 0; pair < PAIRS; pair++) {
    const live = await rate(store, kind, Date.now);
    pairs.push({ live, old: await rate(store, kind, anyOldTime) });
  }
  const ratio = median(pairs.map(({ live, old }) => old / live));
  console.log(
    `${words}: old ${median(pairs.map(({ old }) => old)).toFixed(0)}/s beside live ` +
      `${median(pairs.map(({ live }) => live)).toFixed(0)}/s, ratio ${ratio.toFixed(2)} (goal 0.5; ` +
      `cpu pressure ${processorPressure()} %)`,
  );
}
await store.close();
await (await influxDB()).removeBucket(bucket);
