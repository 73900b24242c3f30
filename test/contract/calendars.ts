import { expect } from 'chai';
import type { Store } from '../../lib/store.js';
import { formatTime, MILLISECOND, END_OF_TIME, MIN_TIME, type Nanoseconds, parseDateTime } from '../../lib/time.js';
import { type Calendar, type CalendarGranularity, windowRuns } from '../../lib/window.js';
import { all, collect, freshNamespace, openForSuite, point, type Subject, write } from './subject.js';

const HOUR = 3_600_000n * MILLISECOND;

/** Days, weeks and years as people know them, through the store. */
export function calendars(subject: Subject): void {
  describe('calendars', () => {
    const opened = openForSuite(subject);

    it('give Berlin days of 23 and 25 hours', async () => {
      const spring = await countsOf('2020-03-27T00:30:00Z', 96, 'day', 'Europe/Berlin');
      expect(spring).to.include({ '2020-03-27T23:00:00Z': 24, '2020-03-28T23:00:00Z': 23, '2020-03-29T22:00:00Z': 24 });
      const autumn = await countsOf('2020-10-23T00:30:00Z', 96, 'day', 'Europe/Berlin');
      expect(autumn).to.include({ '2020-10-23T22:00:00Z': 24, '2020-10-24T22:00:00Z': 25, '2020-10-25T23:00:00Z': 24 });
    });

    it('give Berlin 25 windows of an hour on its autumn day, and stretch multiples of hours with the clock', async () => {
      const hours = await countsOf('2020-10-24T22:00:00Z', 25, 'hour', 'Europe/Berlin');
      expect(Object.values(hours)).to.deep.equal(Array.from({ length: 25 }, () => 1));
      const quarters = await countsOf('2020-10-24T22:00:00Z', 25, '6h', 'Europe/Berlin');
      expect(Object.values(quarters)).to.deep.equal([7, 6, 6, 6]);
    });

    it('keep a week over New Year whole, and start it on any day', async () => {
      const monday = await countsOf('2020-12-27T12:00:00Z', 10 * 24, 'week', 'UTC');
      expect(monday).to.deep.equal({
        '2020-12-21T00:00:00Z': 12,
        '2020-12-28T00:00:00Z': 168,
        '2021-01-04T00:00:00Z': 60,
      });
      const sunday = await countsOf('2020-12-26T12:00:00Z', 48, 'week', 'UTC', 'sunday');
      expect(sunday).to.deep.equal({ '2020-12-20T00:00:00Z': 12, '2020-12-27T00:00:00Z': 36 });
    });

    it('know leap years', async () => {
      expect(await countsOf('2020-02-01T00:00:00Z', 30 * 24, 'month', 'UTC')).to.deep.equal({
        '2020-02-01T00:00:00Z': 29 * 24,
        '2020-03-01T00:00:00Z': 24,
      });
      const years = await countsOf('2000-01-01T00:00:00Z', 366 * 24 + 1, 'year', 'UTC');
      expect(years).to.deep.equal({ '2000-01-01T00:00:00Z': 366 * 24, '2001-01-01T00:00:00Z': 1 });
    });

    it('start hours at half past where the zone does', async () => {
      expect(await countsOf('2020-06-01T00:00:00Z', 2, 'hour', 'Asia/Kolkata')).to.deep.equal({
        '2020-05-31T23:30:00Z': 1,
        '2020-06-01T00:30:00Z': 1,
      });
      expect(await countsOf('2020-06-01T00:00:00Z', 24, 'day', 'Asia/Kathmandu')).to.deep.equal({
        '2020-05-31T18:15:00Z': 19,
        '2020-06-01T18:15:00Z': 5,
      });
    });

    it('have no window for the day that Samoa skipped', async () => {
      expect(await countsOf('2011-12-29T10:00:00Z', 72, 'day', 'Pacific/Apia')).to.deep.equal({
        '2011-12-29T10:00:00Z': 24,
        '2011-12-30T10:00:00Z': 24,
        '2011-12-31T10:00:00Z': 24,
      });
    });

    it('reach to the first and the last time that can be stored', async () => {
      const [{ store }, namespace] = [opened(), freshNamespace()];
      await write(store, [point({ namespace, time: MIN_TIME }), point({ namespace, time: END_OF_TIME - 1n })]);
      const extent = await store.extent(all(namespace));
      expect(extent && [formatTime(extent.first), formatTime(extent.last)]).to.deep.equal([
        '1677-09-23T00:00:00Z',
        '2262-04-09T23:59:59.999Z',
      ]);
      for (const [granularity, first, last] of [
        ['year', '1677-01-01T00:00:00Z', '2262-01-01T00:00:00Z'],
        ['month', '1677-09-01T00:00:00Z', '2262-04-01T00:00:00Z'],
        ['week', '1677-09-20T00:00:00Z', '2262-04-07T00:00:00Z'],
      ] as const) {
        const counts = await counted(store, namespace, granularity, { timezone: 'UTC', weekStart: 'monday' });
        expect(counts).to.deep.equal({ [first]: 1, [last]: 1 });
      }
    });

    /** Counts one event an hour, from a time on, in each window. */
    async function countsOf(
      from: string,
      hours: number,
      granularity: CalendarGranularity,
      timezone: string,
      weekStart: Calendar['weekStart'] = 'monday',
    ): Promise<Record<string, number | null>> {
      const namespace = freshNamespace();
      const start: Nanoseconds = parseDateTime(from);
      const events = Array.from({ length: hours }, (_, hour) =>
        point({ namespace, time: start + BigInt(hour) * HOUR }),
      );
      await write(opened().store, events);
      return counted(opened().store, namespace, granularity, { timezone, weekStart });
    }
  });
}

async function counted(
  store: Store,
  namespace: string,
  granularity: CalendarGranularity,
  calendar: Calendar,
): Promise<Record<string, number | null>> {
  const selection = all(namespace);
  const extent = await store.extent(selection);
  if (extent === undefined) return {};
  const windows = windowRuns(extent.first, extent.last, granularity, calendar);
  const rows = await collect(store.aggregate({ selection, windows, aggregations: ['count'] }));
  return Object.fromEntries(rows.map(({ start, values }) => [formatTime(start), values[0] ?? null]));
}
