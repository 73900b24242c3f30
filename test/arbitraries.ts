import fc from 'fast-check';
import type { Aggregation, Selection } from '../lib/aggregation.js';
import { identityOfId, ITSELF, type Point, SAMPLE, seriesOf, type Tags } from '../lib/event.js';
import { MILLISECOND, type Nanoseconds } from '../lib/time.js';
import { type Calendar, type CalendarGranularity, WEEKDAYS } from '../lib/window.js';

const DAY = 86_400_000;
const HOUR = 3_600_000;

/** What line protocol, Flux, SQL, URLs, text decoders and JavaScript objects each have their own ideas about. */
export const ODD_PIECES = [
  ...[
    ' ',
    '"',
    "'",
    ',',
    '=',
    '\\',
    '/',
    '#',
    '%',
    '%5C',
    '%23',
    '%25',
    '%2F',
    '\\ ',
    '\\,',
    '\\=',
    '\\"',
    '\\\\',
    '\\n',
  ],
  ...[
    '{',
    '}',
    '[',
    '$',
    '${x}',
    '$${x}',
    '$"',
    '$\\',
    '`',
    ';',
    '--',
    '|>',
    '*',
    '?',
    '&',
    '+',
    '.',
    '..',
    ':',
    '<',
    '(',
    ')',
    '@',
    '!',
  ],
  ...['😀', '👩‍👧', 'é', 'e\u0301', 'ß', 'İ', '中', '\u00a0', '\u2028', '\u202e', '\ufeff', '\ufffd', '\uff5e'],
] as const;

/** Names that mean something to a database or to JavaScript, and differ from another in case alone. */
export const ODD_KEYS = [
  ...['id', 'value', 'result', 'table', 'error', 'namespace', 'measurement', 'series', 'ts', 'tags', 'group', 'select'],
  ...['host', 'Host', 'HOST', 'Name', 'TIME', 'constructor', 'toString', 'hasOwnProperty', 'null', 'true', '0', '-1'],
] as const;

/** A namespace, a name or a tag value: 1 to 128 characters, with what is odd in front, inside and at the end. */
export const text: fc.Arbitrary<string> = fc
  .array(fc.oneof(fc.constantFrom(...ODD_PIECES), fc.constantFrom('a', 'B', '7', '_')), { minLength: 1, maxLength: 8 })
  .map((pieces) => pieces.join(''))
  .filter((joined) => !joined.startsWith('_') && joined !== '.' && joined !== '..');

/** A tag key: 1 to 64 characters. */
export const tagKey: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(...ODD_KEYS),
  text.filter((key) => key !== 'name' && key !== 'time'),
);

/** Finite numbers whose squares are finite and not zero, so that a standard deviation is a number. */
export const value: fc.Arbitrary<number> = fc
  .oneof(
    { weight: 4, arbitrary: fc.integer({ min: -1000, max: 1000 }) },
    { weight: 2, arbitrary: fc.double({ min: -1e6, max: 1e6, noNaN: true }) },
    { weight: 1, arbitrary: fc.constantFrom(1e100, -1e100, 1e-100, -1e-100, 0.1, 2 ** 53 + 2, -(2 ** 63), 1e15 + 0.3) },
  )
  .map((number) => (Math.abs(number) < 1e-100 ? 0 : number));

/** Zones with whole, half and quarter hours, with clock changes at midnight, of half an hour, of two and of a day. */
export const zone: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York'),
  fc.constantFrom(
    ...['Asia/Kolkata', 'Asia/Kathmandu', 'Asia/Tehran', 'Australia/Lord_Howe', 'Pacific/Apia', 'Pacific/Chatham'],
    ...['America/St_Johns', 'America/Sao_Paulo', 'Africa/Casablanca', 'Africa/Cairo', 'Antarctica/Troll'],
  ),
);

export const calendar: fc.Arbitrary<Calendar> = fc.record({ timezone: zone, weekStart: fc.constantFrom(...WEEKDAYS) });

/** Around which events happen: clock changes in these zones, leap days, turns of the year, and 1970. */
const ANCHORS = [
  ...['2020-03-29T01:00Z', '2020-10-25T01:00Z', '2021-01-01T00:00Z', '2020-02-29T12:00Z', '2020-12-31T23:00Z'],
  ...['2011-12-30T10:00Z', '2018-11-04T03:00Z', '2018-02-18T02:00Z', '2020-04-04T15:00Z', '2020-10-03T15:30Z'],
  ...['2020-11-01T05:30Z', '2010-11-07T02:31Z', '2010-03-14T03:31Z', '1970-01-01T00:00Z', '2024-12-30T00:00Z'],
].map((instant) => Date.parse(instant));

const ANY_GRANULARITY: readonly CalendarGranularity[] = [
  'minute',
  '5m',
  '15m',
  '30m',
  'hour',
  '2h',
  '6h',
  '12h',
  'day',
  'week',
  'month',
  'year',
];

/** How far from their anchor events lie, and which granularities then give fewer than 100,000 windows. */
const SPREADS = [
  { offset: fc.integer({ min: -3, max: 3 }), granularities: ANY_GRANULARITY },
  { offset: fc.integer({ min: -3 * HOUR, max: 3 * HOUR }), granularities: ANY_GRANULARITY },
  { offset: fc.integer({ min: -30 * HOUR, max: 30 * HOUR }), granularities: ANY_GRANULARITY },
  // Few different weeks: InfluxDB keeps a shard, and its files, for each.
  {
    offset: fc
      .tuple(fc.constantFrom(-731, -366, -59, -7, 0, 1, 29, 365), fc.integer({ min: -DAY, max: DAY }))
      .map(([days, rest]) => days * DAY + rest),
    granularities: ANY_GRANULARITY.slice(4),
  },
] as const;

/** The times of events, and a granularity that fits them. */
export const moments = fc
  .tuple(fc.constantFrom(...ANCHORS), fc.constantFrom(...SPREADS))
  .chain(([anchor, { offset, granularities }]) =>
    fc.record({
      times: fc.array(
        offset.map((distance) => BigInt(anchor + distance) * MILLISECOND),
        { minLength: 1, maxLength: 10 },
      ),
      granularity: fc.constantFrom(...granularities),
    }),
  );

const aggregation: fc.Arbitrary<Aggregation> = fc.oneof(
  fc.constantFrom<Aggregation>('avg', 'min', 'max', 'sum', 'count', 'first', 'last', 'median', 'stddev'),
  fc.constantFrom<Aggregation>('p1', 'p10', 'p25', 'p50', 'p90', 'p95', 'p99', 'p99.9'),
);

/** Events of one namespace, in the writes that bring them, and a question about them. */
export interface StoreCase {
  readonly writes: readonly (readonly Point[])[];
  readonly question: CalendarQuestion;
}

export interface CalendarQuestion {
  readonly name: string;
  readonly tsMin: Nanoseconds | undefined;
  readonly tsMax: Nanoseconds | undefined;
  readonly tags: Readonly<Record<string, readonly string[]>>;
  readonly granularity: CalendarGranularity | 'all';
  readonly calendar: Calendar;
  readonly aggregations: readonly Aggregation[];
  readonly groupBy: string | undefined;
}

export const storeCase: fc.Arbitrary<StoreCase> = fc
  .tuple(fc.constantFrom(...ANCHORS), fc.constantFrom(...SPREADS))
  .chain(([anchor, spread]) => {
    const millisecond = spread.offset.map((offset) => BigInt(anchor + offset) * MILLISECOND);
    return fc
      .record({
        series: fc.array(series, { minLength: 1, maxLength: 5 }),
        writes: fc.array(fc.array(sketch(millisecond), { maxLength: 12 }), { minLength: 1, maxLength: 4 }),
        question: question(millisecond, spread.granularities),
      })
      .map(({ series, writes, question }) => ({
        writes: writes.map((points) => points.map((point) => finish(point, series))),
        question,
      }));
  });

/** Writes and deletions in any order, told for a namespace, and a question about what is left. */
export interface DeletionCase {
  readonly steps: (namespace: string) => ({ readonly write: readonly Point[] } | { readonly delete: Selection })[];
  readonly question: CalendarQuestion;
}

export const deletionCase: fc.Arbitrary<DeletionCase> = fc
  .tuple(fc.constantFrom(...ANCHORS), fc.constantFrom(...SPREADS))
  .chain(([anchor, spread]) => {
    const millisecond = spread.offset.map((offset) => BigInt(anchor + offset) * MILLISECOND);
    const write = fc.record({ write: fc.array(sketch(millisecond), { maxLength: 12 }) });
    const step = fc.oneof({ weight: 3, arbitrary: write }, { weight: 2, arbitrary: deleted(millisecond) });
    return fc
      .record({
        series: fc.array(series, { minLength: 1, maxLength: 5 }),
        steps: fc.array(step, { minLength: 2, maxLength: 7 }),
        question: question(millisecond, spread.granularities),
      })
      .map(({ series, steps, question }) => ({
        steps: (namespace) =>
          steps.map((one) =>
            'write' in one
              ? { write: inNamespace(namespace, [one.write.map((point) => finish(point, series))]).flat() }
              : { delete: { ...one.delete, namespace } },
          ),
        question,
      }));
  });

/** The same events in another namespace, so that many cases share a database. */
export function inNamespace(namespace: string, writes: StoreCase['writes']): Point[][] {
  return writes.map((points) =>
    points.map((point) => ({ ...point, series: seriesOf(namespace, point.series.name, point.series.tags) })),
  );
}

// Few names, keys and values, so that they meet.
const name = fc.constantFrom('cpu', 'cpu', 'Cpu');
const key = fc.constantFrom('host', 'region', 'id');
const tag = fc.constantFrom('a', 'b', 'b ', 'ü');

interface SeriesSketch {
  readonly name: string;
  readonly tags: Tags;
}

const series: fc.Arbitrary<SeriesSketch> = fc.record({
  name,
  tags: fc.array(fc.tuple(key, tag), { maxLength: 3 }).map((tags) => Object.fromEntries(tags)),
});

interface PointSketch {
  readonly series: number;
  readonly time: Nanoseconds;
  readonly value: number;
  readonly id: string | undefined;
}

function sketch(millisecond: fc.Arbitrary<Nanoseconds>): fc.Arbitrary<PointSketch> {
  return fc.record({
    series: fc.nat(4),
    time: fc
      .tuple(millisecond, fc.constantFrom(0n, 0n, 0n, 1n, 500_000n, 999_999n))
      .map(([time, finer]) => time + finer),
    value,
    id: fc.option(fc.constantFrom('1', '2'), { nil: undefined }),
  });
}

/** A series is fed one way or the other: here those of region a with samples, the others with events. */
function finish({ series: number, time, value, id }: PointSketch, all: readonly SeriesSketch[]): Point {
  const chosen = all[number % all.length];
  if (chosen === undefined) throw new RangeError('There is at least one series.');
  const series = seriesOf('Random', chosen.name, chosen.tags);
  if (chosen.tags.region === 'a') return { series, time, value, identity: SAMPLE };
  return { series, time, value, identity: id === undefined ? ITSELF : identityOfId(id, time) };
}

function deleted(
  millisecond: fc.Arbitrary<Nanoseconds>,
): fc.Arbitrary<{ readonly delete: Omit<Selection, 'namespace'> }> {
  const bound = fc.option(millisecond, { nil: undefined });
  const values = fc.uniqueArray(tag, { minLength: 1, maxLength: 2 });
  return fc
    .record({ name, tsMin: bound, tsMax: bound, tags: fc.dictionary(key, values, { maxKeys: 2 }) })
    .map(({ name, tsMin, tsMax, tags }) => ({
      delete: {
        name,
        ...(tsMin === undefined ? {} : { tsMin }),
        ...(tsMax === undefined ? {} : { tsMax }),
        tags,
      },
    }));
}

function question(
  millisecond: fc.Arbitrary<Nanoseconds>,
  granularities: readonly CalendarGranularity[],
): fc.Arbitrary<CalendarQuestion> {
  const bound = fc.option(millisecond, { nil: undefined });
  return fc.record({
    name: fc.constant('cpu'),
    tsMin: bound,
    tsMax: bound,
    tags: fc.dictionary(key, fc.uniqueArray(tag, { minLength: 1, maxLength: 2 }), { maxKeys: 1 }),
    granularity: fc.constantFrom(...granularities, 'all' as const),
    calendar,
    aggregations: fc.uniqueArray(aggregation, { minLength: 1, maxLength: 6 }),
    groupBy: fc.option(key, { nil: undefined }),
  });
}
