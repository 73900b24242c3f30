import { expect } from 'chai';
import fc from 'fast-check';
import { formatTime, MILLISECOND, parseDateTime } from '../lib/time.js';
import { type CalendarGranularity, endOfRun, windowRuns } from '../lib/window.js';
import { calendar, moments } from './arbitraries.js';
import { windowOf } from './calendar.js';

describe('Windows', () => {
  const KNOWN: readonly (readonly [string, CalendarGranularity, string, string])[] = [
    ['2020-03-29T21:59:59Z', 'day', 'Europe/Berlin', '2020-03-28T23:00:00Z'],
    ['2020-10-25T00:30:00Z', 'hour', 'Europe/Berlin', '2020-10-25T00:00:00Z'],
    ['2020-10-25T01:30:00Z', 'hour', 'Europe/Berlin', '2020-10-25T01:00:00Z'],
    ['2020-10-25T04:59:00Z', '6h', 'Europe/Berlin', '2020-10-24T22:00:00Z'],
    ['2020-06-01T00:00:00Z', 'hour', 'Asia/Kolkata', '2020-05-31T23:30:00Z'],
    ['2011-12-30T09:59:59Z', 'day', 'Pacific/Apia', '2011-12-29T10:00:00Z'],
    ['2011-12-30T10:00:00Z', 'day', 'Pacific/Apia', '2011-12-30T10:00:00Z'],
    // From 00:01 back to 23:01: the day before is not begun again, and its last hour has a second pass.
    ['2010-11-07T03:00:00Z', 'day', 'America/St_Johns', '2010-11-07T02:30:00Z'],
    ['2010-11-07T03:00:00Z', 'hour', 'America/St_Johns', '2010-11-07T02:31:00Z'],
    ['2010-11-07T03:40:00Z', 'hour', 'America/St_Johns', '2010-11-07T03:30:00Z'],
    // From midnight to one: the day starts at one.
    ['2018-11-04T12:00:00Z', 'day', 'America/Sao_Paulo', '2018-11-04T03:00:00Z'],
    // Half an hour back, from two to half past one.
    ['2020-04-04T15:10:00Z', 'hour', 'Australia/Lord_Howe', '2020-04-04T15:00:00Z'],
    ['2021-01-03T12:00:00Z', 'week', 'UTC', '2020-12-28T00:00:00Z'],
    ['1969-12-31T23:59:59.999Z', 'minute', 'UTC', '1969-12-31T23:59:00Z'],
  ];

  it('start where the judge of calendars and a person with a clock would say', () => {
    for (const [time, granularity, timezone, start] of KNOWN) {
      const instant = parseDateTime(time);
      const zone = { timezone, weekStart: 'monday' } as const;
      const words = `${granularity} of ${time} in ${timezone}`;
      expect(formatTime(windowOf(instant, granularity, zone)), words).to.equal(start);
      expect(formatTime(windowRuns(instant, instant, granularity, zone)[0]?.start ?? 0n), words).to.equal(start);
    }
  });

  it('hold every event from their start to their end, for any events, granularity and zone', function () {
    this.timeout('5m');
    fc.assert(
      fc.property(moments, calendar, ({ times, granularity }, zone) => {
        const sorted = times.toSorted((one, other) => (one < other ? -1 : 1));
        const runs = windowRuns(sorted[0] ?? 0n, sorted.at(-1) ?? 0n, granularity, zone);
        for (const time of sorted) {
          const run = runs.find((each) => time >= each.start && time < endOfRun(each));
          const start = run && time - ((time - run.start) % run.length);
          expect(start === undefined ? 'none' : formatTime(start), formatTime(time)).to.equal(
            formatTime(windowOf(time, granularity, zone)),
          );
        }
        expect(runs[0]?.start).to.equal(windowOf(sorted[0] ?? 0n, granularity, zone));
        const end = endOfRun(runs.at(-1) ?? { start: 0n, length: 0n, count: 0 });
        expect(windowOf(end, granularity, zone), 'the first instant after the last window').to.equal(end);
        expect(windowOf(end - MILLISECOND, granularity, zone) < end).to.equal(true);
      }),
      { numRuns: Number(process.env.TRACKING_CASES ?? 100) },
    );
  });
});
