import type { TrackingClient } from '../client.js';

interface Window {
  readonly aggregatedTimestamp: string;
  readonly value: { readonly avg: number; readonly median: number; readonly p90: number; readonly count: number };
}

interface Group {
  readonly tags: { readonly origin: string };
  readonly windows: readonly Window[];
}

const TYPES = 'aggregationType=avg,median,p90,count';
const COLUMNS = ['avg', 'median', 'p90', 'count'] as const;

/** Delays by month, week, day and hour for all airports, and by month for the busiest ones, as small tables. */
export async function printDelays(client: TrackingClient): Promise<void> {
  const path = '/api/events/Flights/delay';
  for (const granularity of ['month', 'week', 'day', 'hour']) {
    const windows = await client.ask<Window>(`${path}?granularity=${granularity}&${TYPES}`);
    printTable(`Delay in minutes by ${granularity}, all airports`, windows.map(rowOf));
  }
  const groups = await client.ask<Group>(`${path}?granularity=all&groupBy=origin&${TYPES}`);
  const busiest = groups
    .map(({ tags, windows }) => ({ tags, all: windows[0] }))
    .sort((one, other) => (other.all?.value.count ?? 0) - (one.all?.value.count ?? 0));
  printTable(
    'Delay in minutes by airport, the busiest first',
    busiest.flatMap(({ tags, all }) => (all === undefined ? [] : [[tags.origin, ...numbersOf(all)]])),
  );
  const [whole] = await client.ask<Window>(`${path}?granularity=all&${TYPES}`);
  if (whole === undefined) throw new Error('No flight was found.');
  console.log(
    `\n${whole.value.count.toLocaleString('en')} flights, ${whole.value.avg.toFixed(2)} minutes late on average`,
  );
}

function rowOf(window: Window): string[] {
  return [window.aggregatedTimestamp, ...numbersOf(window)];
}

function numbersOf({ value }: Window): string[] {
  return COLUMNS.map((column) => (column === 'count' ? String(value.count) : value[column].toFixed(2)));
}

const ROWS_SHOWN = 6;

function printTable(title: string, rows: readonly (readonly string[])[]): void {
  console.log(`\n${title}`);
  for (const row of [['', ...COLUMNS], ...rows.slice(0, ROWS_SHOWN)]) {
    console.log(row.map((cell, column) => (column === 0 ? cell.padEnd(22) : cell.padStart(9))).join(''));
  }
  if (rows.length > ROWS_SHOWN) console.log(`… and ${rows.length - ROWS_SHOWN} more`);
}
