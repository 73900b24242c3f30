import { expect } from 'chai';
import fc from 'fast-check';
import type { Selection } from '../../lib/aggregation.js';
import type { Store, StoredEvent, WindowAggregate } from '../../lib/store.js';
import { MILLISECOND, type Nanoseconds, toMilliseconds } from '../../lib/time.js';
import { type WindowRun, windowRuns } from '../../lib/window.js';
import { type CalendarQuestion, inNamespace, storeCase } from '../arbitraries.js';
import { windowOf } from '../calendar.js';
import { groupsOf, ReferenceStore } from '../reference.js';
import { mistakeIn } from '../statistics.js';
import {
  aggregatesOf,
  all,
  CASES,
  collect,
  emptySelections,
  freshNamespace,
  NOON,
  oneWindow,
  openForSuite,
  point,
  points,
  PROPERTY_TIMEOUT,
  type Subject,
  write,
  writeBoth,
} from './subject.js';

/** Aggregates are what the reference says they are. */
export function aggregates(subject: Subject): void {
  describe('aggregates', () => {
    const opened = openForSuite(subject);

    it('are right for any events, question and zone', async function () {
      this.timeout(PROPERTY_TIMEOUT);
      await fc.assert(
        fc.asyncProperty(storeCase, async ({ writes, question }) => {
          const namespace = freshNamespace();
          const reference = new ReferenceStore();
          for (const written of inNamespace(namespace, writes)) await writeBoth(opened().store, reference, written);
          await expectRight(opened().store, reference, namespace, question);
        }),
        { numRuns: CASES },
      );
    });

    it('interpolate quantiles exactly over a hundred thousand events', async function () {
      this.timeout('2m');
      const [{ store }, namespace, reference] = [opened(), freshNamespace(), new ReferenceStore()];
      const random = fc.sample(fc.double({ min: -1e3, max: 1e3, noNaN: true }), { numRuns: 10_000, seed: 1 });
      for (let start = 0; start < 100_000; start += 10_000) {
        const written = points(10_000, (index) => ({
          namespace,
          time: NOON + BigInt((start + index) * 137) * MILLISECOND,
          value: (random[index] ?? 0) * start + index,
          tags: { host: String(index % 3) },
        }));
        await writeBoth(store, reference, written);
      }
      for (const granularity of ['all', 'hour'] as const) {
        await expectRight(store, reference, namespace, {
          name: 'cpu',
          tsMin: undefined,
          tsMax: undefined,
          tags: {},
          granularity,
          calendar: { timezone: 'UTC', weekStart: 'monday' },
          aggregations: ['p1', 'p25', 'median', 'p50', 'p99', 'p99.9', 'avg', 'stddev', 'count'],
          groupBy: undefined,
        });
      }
    });

    it('are over events, not over the averages of series', async () => {
      const [{ store }, namespace] = [opened(), freshNamespace()];
      await write(store, [
        ...points(3, () => ({ namespace, tags: { host: 'a' }, value: 0 })),
        point({ namespace, tags: { host: 'b' }, value: 4 }),
      ]);
      expect(await aggregatesOf(store, all(namespace), 'avg', 'median', 'stddev')).to.deep.equal([1, 0, 2]);
    });

    it('have no standard deviation for one event', async () => {
      const [{ store }, namespace] = [opened(), freshNamespace()];
      await write(store, [point({ namespace, value: 7 })]);
      expect(await aggregatesOf(store, all(namespace), 'stddev', 'avg', 'p99')).to.deep.equal([null, 7, 7]);
    });

    it('keep the largest and the smallest numbers', async () => {
      const [{ store }, namespace] = [opened(), freshNamespace()];
      const values = [Number.MAX_VALUE, -Number.MAX_VALUE, Number.MIN_VALUE, 2 ** 53 + 2, 0.1 + 0.2];
      await write(
        store,
        points(values.length, (index) => ({
          namespace,
          value: values[index] ?? 0,
          time: NOON + BigInt(index) * MILLISECOND,
        })),
      );
      const asked = await aggregatesOf(store, all(namespace), 'min', 'max', 'count', 'first', 'last', 'median');
      expect(asked).to.deep.equal([-Number.MAX_VALUE, Number.MAX_VALUE, 5, Number.MAX_VALUE, 0.1 + 0.2, 0.1 + 0.2]);
      const events = await collect(store.events({ selection: all(namespace) }));
      expect(events.map(({ value }) => value)).to.deep.equal(values);
    });

    it('are put in order of group, events without the tag first', async () => {
      const [{ store }, namespace] = [opened(), freshNamespace()];
      // By code unit the emoji, a surrogate pair, comes before the last; by UTF-8 bytes and by code point after it.
      const hosts = ['B', 'a', 'ä', '😀', '\uff5e'];
      const written = hosts.map((host) => point({ namespace, tags: { host } }));
      await write(store, [...written.toReversed(), point({ namespace }), point({ namespace, tags: { region: 'x' } })]);
      const windows = [oneWindow({ first: NOON, last: NOON })];
      const question = { selection: all(namespace), windows, aggregations: ['count' as const], groupBy: 'host' };
      const rows = await collect(store.aggregate(question));
      expect(rows.map(({ group, values }) => [group, values[0]])).to.deep.equal([
        [undefined, 2],
        ...hosts.map((host) => [host, 1]),
      ]);
    });

    it('count what lies both in a window and in the range, and label it with the start of the window', async () => {
      const [{ store }, namespace] = [opened(), freshNamespace()];
      const minute = 60_000n * MILLISECOND;
      await write(
        store,
        points(60, (index) => ({ namespace, time: NOON + BigInt(index) * minute })),
      );
      const rows = await collect(
        store.aggregate({
          selection: { ...all(namespace), tsMin: NOON + 5n * minute, tsMax: NOON + 25n * minute },
          windows: [{ start: NOON - 10n * minute, length: 30n * minute, count: 3 }],
          aggregations: ['count'],
        }),
      );
      expect(rows.map(({ start, values }) => [start, values[0]])).to.deep.equal([
        [NOON - 10n * minute, 15],
        [NOON + 20n * minute, 5],
      ]);
    });

    it('are none where nothing is selected', async () => {
      const [{ store }, namespace] = [opened(), freshNamespace()];
      const windows = [oneWindow({ first: NOON, last: NOON })];
      const nothing = async (selection: Selection): Promise<void> => {
        expect(await store.extent(selection)).to.equal(undefined);
        expect(await collect(store.aggregate({ selection, windows, aggregations: ['avg'] }))).to.deep.equal([]);
        expect(await collect(store.events({ selection }))).to.deep.equal([]);
      };
      await nothing(all(namespace));
      await write(store, [point({ namespace, tags: { host: 'a' } })]);
      for (const selection of emptySelections(namespace)) await nothing(selection);
      expect(
        await collect(store.aggregate({ selection: all(namespace), windows: [], aggregations: ['avg'] })),
      ).to.deep.equal([]);
    });
  });
}

/** Holds a store's extent and windows against the reference's events and the judge of calendars. */
export async function expectRight(
  store: Store,
  reference: Store,
  namespace: string,
  question: CalendarQuestion,
): Promise<void> {
  const { name, tsMin, tsMax, tags, granularity, calendar, aggregations, groupBy } = question;
  const selection: Selection = {
    ...{ namespace, name, tags },
    ...(tsMin === undefined ? {} : { tsMin }),
    ...(tsMax === undefined ? {} : { tsMax }),
  };
  const events = await collect(reference.events({ selection }));
  const extent = await store.extent(selection);
  const [first, last] = [events[0], events.at(-1)];
  expect(extent && [toMilliseconds(extent.first), toMilliseconds(extent.last)], 'extent').to.deep.equal(
    first && last && [toMilliseconds(first.time), toMilliseconds(last.time)],
  );
  if (extent === undefined) return;

  const whole = oneWindow(extent);
  const windows = granularity === 'all' ? [whole] : windowRuns(extent.first, extent.last, granularity, calendar);
  const startOf = (time: Nanoseconds): Nanoseconds =>
    granularity === 'all' ? whole.start : windowOf(time, granularity, calendar);
  const rows = await collect(
    store.aggregate({ selection, windows, aggregations, ...(groupBy === undefined ? {} : { groupBy }) }),
  );
  expectRows(rows, expectedRows(events, groupBy, startOf), question, windows);
}

interface ExpectedRow {
  readonly group: string | undefined;
  readonly start: Nanoseconds;
  readonly events: StoredEvent[];
}

function expectedRows(
  events: readonly StoredEvent[],
  groupBy: string | undefined,
  startOf: (time: Nanoseconds) => Nanoseconds,
): ExpectedRow[] {
  return groupsOf(events, groupBy).flatMap(([group, members]) => {
    const rows = new Map<Nanoseconds, ExpectedRow>();
    for (const event of members) {
      const start = startOf(event.time);
      const row = rows.get(start) ?? { group, start, events: [] };
      row.events.push(event);
      rows.set(start, row);
    }
    return [...rows.values()];
  });
}

function expectRows(
  rows: readonly WindowAggregate[],
  expected: readonly ExpectedRow[],
  { aggregations }: CalendarQuestion,
  windows: readonly WindowRun[],
): void {
  const label = ({ group, start }: Pick<WindowAggregate, 'group' | 'start'>): string =>
    `${String(group)} ${new Date(toMilliseconds(start)).toISOString()}`;
  expect(rows.map(label), 'groups and windows').to.deep.equal(expected.map(label));
  for (const [index, row] of rows.entries()) {
    const measurements = expected[index]?.events ?? [];
    expect(row.values, 'values').to.have.length(aggregations.length);
    const mistakes = aggregations.map((aggregation, at) =>
      mistakeIn(row.values[at] ?? null, aggregation, measurements),
    );
    const context = `${label(row)} of ${String(measurements.length)} event(s), ${String(windows.length)} run(s)`;
    expect(
      mistakes.filter((mistake) => mistake !== undefined),
      context,
    ).to.deep.equal([]);
  }
}
