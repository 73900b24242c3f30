import { expect } from 'chai';
import fc from 'fast-check';
import { END_OF_TIME, MIN_TIME, SECOND, formatTime, parseDateTime } from '../lib/time.js';
import {
  type CalendarGranularity,
  type Weekday,
  type WindowRun,
  countWindows,
  endOfRun,
  windowRuns,
} from '../lib/window.js';

interface Question {
  readonly first: string;
  readonly last: string;
  readonly granularity: CalendarGranularity;
  readonly timezone?: string;
  readonly weekStart?: Weekday;
}

function runs({ first, last, granularity, timezone = 'UTC', weekStart = 'monday' }: Question): WindowRun[] {
  return windowRuns(parseDateTime(first), parseDateTime(last), granularity, { timezone, weekStart });
}

/** Each window as its start and its length in hours. */
function windows(question: Question): string[] {
  return runs(question).flatMap(({ start, length, count }) =>
    Array.from(
      { length: count },
      (_, index) => `${formatTime(start + BigInt(index) * length)} ${Number(length / SECOND) / 3600}`,
    ),
  );
}

describe('windows', () => {
  it('of minutes and hours in UTC are one run', () => {
    expect(runs({ first: '2020-02-28T23:59:59Z', last: '2020-03-01T00:00:00Z', granularity: 'hour' })).to.deep.equal([
      { start: parseDateTime('2020-02-28T23:00:00Z'), length: 3600n * SECOND, count: 26 },
    ]);
    expect(runs({ first: '2020-02-28T23:59:59Z', last: '2020-02-29T00:00:00Z', granularity: '5m' })).to.deep.equal([
      { start: parseDateTime('2020-02-28T23:55:00Z'), length: 300n * SECOND, count: 2 },
    ]);
  });

  it('of weeks start on Monday, also over New Year', () => {
    expect(windows({ first: '2020-12-30T12:00:00Z', last: '2021-01-05T00:00:00Z', granularity: 'week' })).to.deep.equal(
      ['2020-12-28T00:00:00Z 168', '2021-01-04T00:00:00Z 168'],
    );
  });

  it('of weeks start on the day that was asked', () => {
    const week = { first: '2021-01-05T00:00:00Z', last: '2021-01-05T00:00:00Z', granularity: 'week' } as const;
    expect(windows({ ...week, weekStart: 'sunday' })).to.deep.equal(['2021-01-03T00:00:00Z 168']);
    expect(windows({ ...week, weekStart: 'tuesday' })).to.deep.equal(['2021-01-05T00:00:00Z 168']);
    expect(windows({ ...week, weekStart: 'wednesday' })).to.deep.equal(['2020-12-30T00:00:00Z 168']);
  });

  it('before 1970 are windows too', () => {
    expect(
      windows({ first: '1969-12-31T23:59:59.999Z', last: '1970-01-01T00:00:00Z', granularity: 'week' }),
    ).to.deep.equal(['1969-12-29T00:00:00Z 168']);
    expect(
      windows({ first: '1700-02-28T00:00:00Z', last: '1700-03-01T00:00:00Z', granularity: 'month' }),
    ).to.deep.equal(['1700-02-01T00:00:00Z 672', '1700-03-01T00:00:00Z 744']);
  });

  it('of months and years know leap years', () => {
    expect(
      windows({ first: '2020-02-10T00:00:00Z', last: '2020-03-10T00:00:00Z', granularity: 'month' }),
    ).to.deep.equal(['2020-02-01T00:00:00Z 696', '2020-03-01T00:00:00Z 744']);
    expect(windows({ first: '2020-02-10T00:00:00Z', last: '2021-03-10T00:00:00Z', granularity: 'year' })).to.deep.equal(
      [`2020-01-01T00:00:00Z ${366 * 24}`, `2021-01-01T00:00:00Z ${365 * 24}`],
    );
  });

  it("of Berlin's days have 23 and 25 hours at the clock changes", () => {
    const berlin = { granularity: 'day', timezone: 'Europe/Berlin' } as const;
    expect(windows({ ...berlin, first: '2021-03-27T12:00:00Z', last: '2021-03-29T12:00:00Z' })).to.deep.equal([
      '2021-03-26T23:00:00Z 24',
      '2021-03-27T23:00:00Z 23',
      '2021-03-28T22:00:00Z 24',
    ]);
    expect(windows({ ...berlin, first: '2021-10-31T12:00:00Z', last: '2021-10-31T12:00:00Z' })).to.deep.equal([
      '2021-10-30T22:00:00Z 25',
    ]);
  });

  it("of hours number 25 in Berlin's autumn day, and six-hour windows there are seven hours long once", () => {
    const day = { first: '2021-10-30T22:00:00Z', last: '2021-10-31T22:59:59Z', timezone: 'Europe/Berlin' } as const;
    expect(windows({ ...day, granularity: 'hour' })).to.have.length(25);
    expect(windows({ ...day, granularity: '6h' })).to.deep.equal([
      '2021-10-30T22:00:00Z 7',
      '2021-10-31T05:00:00Z 6',
      '2021-10-31T11:00:00Z 6',
      '2021-10-31T17:00:00Z 6',
    ]);
  });

  it("of Kolkata's hours start at half past in UTC", () => {
    expect(
      windows({
        first: '2021-01-01T00:00:00Z',
        last: '2021-01-01T00:45:00Z',
        granularity: 'hour',
        timezone: 'Asia/Kolkata',
      }),
    ).to.deep.equal(['2020-12-31T23:30:00Z 1', '2021-01-01T00:30:00Z 1']);
  });

  it('skip a day that a zone skipped', () => {
    expect(
      windows({
        first: '2011-12-29T12:00:00Z',
        last: '2011-12-31T12:00:00Z',
        granularity: 'day',
        timezone: 'Pacific/Apia',
      }),
    ).to.deep.equal(['2011-12-29T10:00:00Z 24', '2011-12-30T10:00:00Z 24', '2011-12-31T10:00:00Z 24']);
  });

  it('start when the day does where midnight is skipped', () => {
    expect(
      windows({
        first: '2018-11-04T12:00:00Z',
        last: '2018-11-04T12:00:00Z',
        granularity: 'day',
        timezone: 'America/Sao_Paulo',
      }),
    ).to.deep.equal(['2018-11-04T03:00:00Z 23']);
  });

  it('follow a clock that changes by half an hour', () => {
    // 2021-04-04 02:00 becomes 01:30 on Lord Howe Island: the hour from one has a second pass of thirty minutes.
    expect(
      windows({
        first: '2021-04-03T14:00:00Z',
        last: '2021-04-03T15:30:00Z',
        granularity: 'hour',
        timezone: 'Australia/Lord_Howe',
      }),
    ).to.deep.equal(['2021-04-03T14:00:00Z 1', '2021-04-03T15:00:00Z 0.5', '2021-04-03T15:30:00Z 1']);
  });

  it('do not begin a day twice where the clock goes back over midnight', () => {
    // 1990-10-28 00:01 became 23:01 of the day before in St. John's.
    expect(
      windows({
        first: '1990-10-28T02:00:00Z',
        last: '1990-10-28T12:00:00Z',
        granularity: 'day',
        timezone: 'America/St_Johns',
      }),
    ).to.deep.equal(['1990-10-27T02:30:00Z 24', '1990-10-28T02:30:00Z 25']);
  });

  it('beyond 100,000 are refused with a granularity that fits', () => {
    const year = { first: '2020-01-01T00:00:00Z', last: '2020-12-31T00:00:00Z' };
    expect(() => runs({ ...year, granularity: 'minute' })).to.throw('granularity=15m');
    expect(runs({ ...year, granularity: '15m' })).to.have.length(1);
    expect(() => windowRuns(MIN_TIME, END_OF_TIME - 1n, 'minute', { timezone: 'UTC', weekStart: 'monday' })).to.throw(
      'granularity=week',
    );
  });

  it('are consecutive, hold their first and last instant, and start on a full local minute', () => {
    const zones = [
      'UTC',
      'Europe/Berlin',
      'America/New_York',
      'Asia/Kathmandu',
      'Pacific/Apia',
      'Australia/Lord_Howe',
      'America/St_Johns',
      'Africa/Casablanca',
      'Asia/Tehran',
    ];
    const granularities: CalendarGranularity[] = [
      'minute',
      '5m',
      '15m',
      'hour',
      '2h',
      '6h',
      '24h',
      'day',
      'week',
      'month',
      'year',
    ];
    fc.assert(
      fc.property(
        fc.bigInt(parseDateTime('1890-01-01T00:00:00Z'), parseDateTime('2100-01-01T00:00:00Z')),
        fc.bigInt(0n, 40n * 86_400n * SECOND),
        fc.constantFrom(...zones),
        fc.constantFrom(...granularities),
        (first, span, timezone, granularity) => {
          const found = windowRuns(first, first + span, granularity, { timezone, weekStart: 'monday' });
          const begin = found[0];
          const end = found.at(-1);
          if (begin === undefined || end === undefined) throw new Error('no windows');
          expect(begin.start <= first && first < begin.start + begin.length).to.equal(true);
          expect(endOfRun(end) - end.length <= first + span && first + span < endOfRun(end)).to.equal(true);
          found.reduce((before, run) => {
            expect(run.start).to.equal(endOfRun(before));
            return run;
          });
          expect(countWindows(found)).to.be.at.least(1);
        },
      ),
      { numRuns: 1000 },
    );
  });
});
