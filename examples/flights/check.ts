import type { DuckDBConnection } from '@duckdb/node-api';
import { SingleBar } from 'cli-progress';
import type { TrackingClient } from '../client.js';
import { openFlights } from './dataset.js';

const GRANULARITIES = ['minute', 'hour', 'day', 'week', 'month', 'year', 'all'] as const;
const TYPES = ['avg', 'min', 'max', 'sum', 'count', 'median', 'p90'] as const;
const EXACT: readonly string[] = ['count', 'min', 'max'];

/** Airports that are asked about in their own time zones too, and not in UTC alone. */
const ZONES: readonly (readonly [string, string])[] = [
  ['ATL', 'America/New_York'],
  ['ORD', 'America/Chicago'],
  ['DEN', 'America/Denver'],
  ['LAX', 'America/Los_Angeles'],
  ['HNL', 'Pacific/Honolulu'],
];

type Granularity = (typeof GRANULARITIES)[number];

interface Question {
  readonly granularity: Granularity;
  readonly origin: string | undefined;
  readonly timezone: string;
}

interface Window {
  readonly aggregatedTimestamp: string;
  readonly value: Readonly<Record<string, number>>;
}

/**
 * Compares every window of every granularity, for all airports together, for each, and for five in their own time zones,
 * with DuckDB's own SQL over the file.
 * @throws Error at the first window that differs
 */
export async function checkFlights(client: TrackingClient): Promise<void> {
  const connection = await openFlights();
  await connection.run(`SET TimeZone = 'UTC'`);
  await connection.run('CREATE TABLE loaded AS SELECT number, seconds, delay, origin FROM flights');
  const questions = await allQuestions(connection);
  const bar = new SingleBar({
    format: 'checking {bar} {value}/{total} questions',
    noTTYOutput: true,
    notTTYSchedule: 10_000,
  });
  bar.start(questions.length, 0);
  let windows = 0;
  for (const question of questions) {
    windows += await checkQuestion(client, connection, question);
    bar.increment();
  }
  bar.stop();
  connection.closeSync();
  console.log(
    `${windows} windows × ${TYPES.length} aggregates of ${questions.length} questions equal DuckDB's own SQL`,
  );
}

async function allQuestions(connection: DuckDBConnection): Promise<Question[]> {
  const reader = await connection.runAndReadAll('SELECT DISTINCT origin FROM loaded ORDER BY origin');
  const origins = [undefined, ...reader.getColumns().flat().map(String)];
  const places = [
    ...origins.map((origin) => ({ origin, timezone: 'UTC' })),
    ...ZONES.map(([origin, timezone]) => ({ origin, timezone })),
  ];
  return places.flatMap((place) => GRANULARITIES.map((granularity) => ({ ...place, granularity })));
}

async function checkQuestion(
  client: TrackingClient,
  connection: DuckDBConnection,
  question: Question,
): Promise<number> {
  const { granularity, origin, timezone } = question;
  const parameters = new URLSearchParams({ granularity, timezone, aggregationType: TYPES.join(','), limit: '100000' });
  if (origin !== undefined) parameters.set('tag.origin', origin);
  // More than 100,000 windows between the first and the last event are refused, so minutes are asked for in parts.
  const parts = granularity === 'minute' ? MINUTE_PARTS : [{}];
  const found: Window[] = [];
  for (const part of parts) {
    const query = new URLSearchParams([...parameters, ...Object.entries(part)]).toString();
    found.push(...(await client.ask<Window>(`/api/events/Flights/delay?${query}`)));
  }
  const expected = await expectedWindows(connection, question);
  if (found.length !== expected.length) {
    throw new Error(`${describe(question)}: ${found.length} windows instead of ${expected.length}`);
  }
  expected.forEach((window, index) => {
    compare(question, found[index], window);
  });
  return expected.length;
}

const MINUTE_PARTS = [
  { tsMax: '2001-02-15T00:00:00Z' },
  { tsMin: '2001-02-15T00:00:00Z', tsMax: '2001-04-15T00:00:00Z' },
  { tsMin: '2001-04-15T00:00:00Z', tsMax: '2001-06-15T00:00:00Z' },
  { tsMin: '2001-06-15T00:00:00Z' },
];

/** The same question in SQL, grouped by the local calendar of DuckDB and not by our windows. */
async function expectedWindows(connection: DuckDBConnection, question: Question): Promise<Window[]> {
  const { granularity, origin, timezone } = question;
  const where = origin === undefined ? '' : `WHERE origin = '${origin}'`;
  // Minutes and hours of a repeated hour are apart in UTC; every zone here is whole hours from it.
  const instant = 'to_timestamp(seconds)';
  const label =
    granularity === 'all'
      ? `min(${instant})`
      : granularity === 'minute' || granularity === 'hour'
        ? `date_trunc('${granularity}', ${instant})`
        : `date_trunc('${granularity}', ${instant} AT TIME ZONE '${timezone}') AT TIME ZONE '${timezone}'`;
  const reader = await connection.runAndReadAll(`
    SELECT epoch(${label})::BIGINT AS label, avg(delay) AS avg, min(delay) AS min, max(delay) AS max, sum(delay) AS sum,
      count(*)::DOUBLE AS count, quantile_cont(delay, 0.5) AS median, quantile_cont(delay, 0.9) AS p90
    FROM loaded ${where} ${granularity === 'all' ? '' : `GROUP BY ${label}`} ORDER BY 1`);
  return reader.getRowObjects().map(({ label: seconds, ...value }) => ({
    aggregatedTimestamp: new Date(Number(seconds) * 1000).toISOString().replace('.000Z', 'Z'),
    value: value as Record<string, number>,
  }));
}

function compare(question: Question, found: Window | undefined, expected: Window): void {
  const where = `${describe(question)} at ${expected.aggregatedTimestamp}`;
  if (found?.aggregatedTimestamp !== expected.aggregatedTimestamp) {
    throw new Error(`${where}: the window is ${found?.aggregatedTimestamp ?? 'missing'}`);
  }
  for (const type of TYPES) {
    const [one, other] = [found.value[type] ?? Number.NaN, expected.value[type] ?? Number.NaN];
    const tolerance = EXACT.includes(type) ? 0 : 1e-9 * Math.max(Math.abs(one), Math.abs(other));
    if (!(Math.abs(one - other) <= tolerance)) throw new Error(`${where}: ${type} is ${one} instead of ${other}`);
  }
}

function describe({ granularity, origin = 'all airports', timezone }: Question): string {
  return `${granularity} of ${origin} in ${timezone}`;
}
