import { InfluxDB } from '@influxdata/influxdb-client';
import { expect } from 'chai';
import fc from 'fast-check';
import { TrackingError } from '../lib/errors.js';
import { type Point, seriesOf } from '../lib/event.js';
import { writeTime } from '../lib/influxdb/moments.js';
import { LineProtocol } from '../lib/line-protocol.js';
import { MARK, type SentLines, sentLines } from './lines.js';
import { type BucketAccess, type InfluxDBServer, influxDB } from './servers/influxdb.js';

const CASES = Number(process.env.TRACKING_CASES ?? 300);
/** Bodies that go to one bucket. */
const AT_ONCE = 500;
/** Requests under way. */
const SENDERS = 4;

/** InfluxDB's process ends at a string that is one quote, so that it is sent none. */
const ONE_QUOTE = String.raw`with the value "\""`;

/** The time that lines without one get, in both. */
const NOW = 42n;

interface Read {
  readonly sent: SentLines;
  /** Nothing where the reader refuses the body. */
  readonly points?: readonly Point[];
  readonly refusal?: TrackingError;
}

describe('line protocol beside InfluxDB', () => {
  let server: InfluxDBServer;
  before('a server', async function () {
    this.timeout('20m'); // influxd may have to be built
    server = await influxDB();
  });

  it(`is accepted and refused as there, and read as the same points (${CASES} bodies)`, async function () {
    this.timeout(60_000 + CASES * 100);
    const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
    const bodies = fc.sample(sentLines, { numRuns: CASES, seed }).map(({ precision, body }, index) => ({
      precision,
      body: body.replaceAll(MARK, `~${index}~`),
    }));
    for (let from = 0; from < bodies.length; from += AT_ONCE) {
      await compare(server, bodies.slice(from, from + AT_ONCE).map(readOurselves), `seed ${seed}`);
    }
  });
});

function readOurselves(sent: SentLines): Read {
  // Names as they are, before they become ones of ours.
  const protocol = new LineProtocol({ text: (text) => text, tags: (tags) => Object.fromEntries(tags) });
  try {
    return {
      sent,
      points: protocol.read(Buffer.from(sent.body), { precision: sent.precision, receivedAt: NOW, strings: 'drop' })
        .points,
    };
  } catch (error) {
    if (error instanceof TrackingError) return { sent, refusal: error };
    throw error;
  }
}

async function compare(server: InfluxDBServer, reads: readonly Read[], seed: string): Promise<void> {
  const bucket = await server.createBucket();
  const expected = new Map<string, number>();
  const unknown = new Set<string>();
  const halfStored = new Set<string>();
  const queue = reads.entries();
  const send = async (): Promise<void> => {
    for (const [, { sent, points, refusal }] of queue) {
      if (refusal?.mistakes.some(({ message }) => message.includes(ONE_QUOTE)) === true) continue;
      const { status, words } = await write(bucket, sent);
      const where = `${seed}\n${JSON.stringify(sent)}\nours: ${JSON.stringify(refusal?.mistakes ?? 'accepted')}\nInfluxDB: ${status} ${words}`;
      if (points === undefined) {
        if (!isOurRange(refusal)) expect(status, where).to.be.oneOf([400, 500]);
        // Its engine fails at values that its parser took, and has stored the other lines then.
        if (status === 500) for (const [mark] of sent.body.matchAll(/~\d+~/g)) halfStored.add(mark);
        continue;
      }
      // Read, and refused by the database for the type that another line gave a field, or for a field `time`: mostly 422.
      if (!words.includes('field type conflict')) expect(status, where).to.be.oneOf([204, 422]);
      const names = status === 204 && points.every((point) => isReadable(point, sent.body)) ? expected : unknown;
      for (const point of points) {
        if (names === unknown) unknown.add(kept(point.series.namespace));
        // InfluxDB drops fields of that name without a word.
        else if (point.series.name !== 'time') expected.set(keyOf(point), point.value);
      }
    }
  };
  await Promise.all(Array.from({ length: SENDERS }, send));
  const stored = await pointsIn(bucket);
  for (const points of [expected, stored]) {
    for (const key of points.keys()) {
      const [name = ''] = JSON.parse(key) as string[];
      const [mark = ''] = /~\d+~/.exec(name) ?? [];
      if (unknown.has(name) || halfStored.has(mark)) points.delete(key);
    }
  }
  // Of a field that has several types in several shards InfluxDB gives some alone, unless it is asked for one time.
  for (const [key, value] of expected) {
    if (stored.get(key) === value) continue;
    const [, , , time = ''] = JSON.parse(key) as string[];
    const found = (await pointsIn(bucket, BigInt(time))).get(key);
    if (found !== undefined) stored.set(key, found);
  }
  await server.removeBucket(bucket);
  const missing = [...expected].filter(([key, value]) => stored.get(key) !== value);
  const surplus = [...stored].filter(([key, value]) => expected.get(key) !== value);
  expect({ missing: missing.slice(0, 5), surplus: surplus.slice(0, 5) }, seed).to.deep.equal({
    missing: [],
    surplus: [],
  });
}

/** Days at either end that InfluxDB has and we have not. */
function isOurRange(refusal: TrackingError | undefined): boolean {
  return refusal?.mistakes.every(({ message }) => message.includes('must lie in the days')) ?? false;
}

async function write(
  { url, org, bucket, token }: BucketAccess,
  { precision, body }: SentLines,
): Promise<{ status: number; words: string }> {
  const response = await fetch(`${url}/api/v2/write?org=${org}&bucket=${bucket}&precision=${precision}`, {
    method: 'POST',
    headers: { authorization: `Token ${token}` },
    body,
  });
  return { status: response.status, words: await response.text() };
}

/** InfluxDB finds no point again whose names were escaped in another way than its own, or begin so. */
function isReadable({ series }: Point, body: string): boolean {
  if (/^=|\\[, ]/.test(series.namespace) || kept(series.key) !== series.key) return false;
  const measurement = series.namespace.replace(/[, ]/g, '\\$&');
  const tags = Object.entries(series.tags).map((tag) => tag.map((text) => text.replace(/[, =]/g, '\\$&')).join('='));
  const starts = body.split('\n').map((line) => line.replace(/^[ \t\0]*/, ''));
  return starts.some((line) => line.startsWith(measurement)) && tags.every((tag) => body.includes(`,${tag}`));
}

function keyOf({ series, time }: Point): string {
  const tags = Object.entries(series.tags).map(([key, value]) => `${kept(key)}=${kept(value)}`);
  return JSON.stringify([kept(series.namespace), kept(series.name), tags.sort(), String(time)]);
}

/** CSV, in which InfluxDB answers, keeps neither carriage returns nor byte order marks. */
function kept(text: string): string {
  return text.replace(/[\r\uFEFF]/g, '');
}

/** The numbers and booleans of a bucket, or those of one time. */
async function pointsIn({ url, org, bucket, token }: BucketAccess, at?: bigint): Promise<Map<string, number>> {
  const query = `from(bucket: "${bucket}") |> range(${rangeOf(at)}) |> drop(columns: ["_start", "_stop"])`;
  const recent = BigInt(Date.now() - 86_400_000) * 1_000_000n;
  const points = new Map<string, number>();
  const rows = new InfluxDB({ url, token, timeout: 60_000 }).getQueryApi(org).iterateRows(query);
  for await (const { values, tableMeta } of rows) {
    const tags: [string, string][] = [];
    let [measurement, field, time, value, type] = ['', '', 0n, '', ''];
    for (const { label, index, group, dataType } of tableMeta.columns) {
      const text = values[index] ?? '';
      if (label === '_measurement') measurement = text;
      else if (label === '_field') field = text;
      else if (label === '_time') time = nanosecondsOf(text);
      else if (label === '_value') [value, type] = [text, dataType];
      else if (group) tags.push([label, text]);
    }
    if (type === 'string') continue;
    const number = type === 'boolean' ? Number(value === 'true') : Number(value);
    const series = seriesOf(measurement, field, Object.fromEntries(tags));
    points.set(
      keyOf({
        series,
        time: time > recent && time < recent * 2n ? NOW : time,
        value: number,
        identity: { kind: 'none' },
      }),
      number === 0 ? 0 : number,
    );
  }
  return points;
}

function rangeOf(at?: bigint): string {
  if (at === undefined) return 'start: 1677-09-23T00:00:00Z, stop: 2262-04-10T00:00:00Z';
  return at === NOW ? 'start: -1h' : `start: ${writeTime(at)}, stop: ${writeTime(at + 1n)}`;
}

function nanosecondsOf(text: string): bigint {
  const [whole = '', fraction = ''] = text.slice(0, -1).split('.');
  return BigInt(Date.parse(`${whole}Z`)) * 1_000_000n + BigInt(fraction.padEnd(9, '0'));
}
