import { expect } from 'chai';
import fc from 'fast-check';
import { END_OF_TIME, MIN_TIME, formatTime, parseDateTime, parseUnixSeconds, toMilliseconds } from '../lib/time.js';

describe('times', () => {
  it('without an offset are UTC, and an offset is honoured', () => {
    expect(parseDateTime('2020-11-12T11:10:00')).to.equal(1605179400_000000000n);
    expect(parseDateTime('2020-11-12T11:10:00Z')).to.equal(1605179400_000000000n);
    expect(parseDateTime('2020-11-12t12:10:00+01:00')).to.equal(1605179400_000000000n);
    expect(parseDateTime('2020-11-12 05:40:00-05:30')).to.equal(1605179400_000000000n);
  });

  it('keep every digit down to the nanosecond', () => {
    expect(parseDateTime('2020-11-12T11:10:00.123456789Z')).to.equal(1605179400_123456789n);
    expect(parseDateTime('2020-11-12T11:10:00.1234567891234Z')).to.equal(1605179400_123456789n);
    expect(parseDateTime('1969-12-31T23:59:59.5Z')).to.equal(-500_000_000n);
  });

  it('as UNIX seconds are the decimal number that was written', () => {
    expect(parseUnixSeconds(1605179400)).to.equal(1605179400_000000000n);
    expect(parseUnixSeconds(1605179400.123)).to.equal(1605179400_123000000n);
    expect(parseUnixSeconds(-0.001)).to.equal(-1_000_000n);
    expect(parseUnixSeconds(1e-7)).to.equal(100n);
  });

  it('on leap seconds count as the second that follows', () => {
    expect(parseDateTime('2016-12-31T23:59:60Z')).to.equal(parseDateTime('2017-01-01T00:00:00Z'));
    expect(parseDateTime('2017-01-01T00:59:60.7+01:00')).to.equal(parseDateTime('2017-01-01T00:00:00Z'));
  });

  for (const [text, reason] of [
    ['2021-02-29T00:00:00Z', 'day that does not exist'],
    ['2021-13-01T00:00:00Z', 'day that does not exist'],
    ['2021-01-01T24:00:00Z', 'time of day'],
    ['2021-01-01T12:00:60Z', 'time of day'],
    ['2021-01-01T12:00:00+24:00', 'time of day'],
    ['2021-01-01', 'RFC 3339'],
    ['2021-01-01T12:00Z', 'RFC 3339'],
    ['yesterday', 'RFC 3339'],
    ['1605179400', 'RFC 3339'],
    ['1677-09-22T23:59:59Z', 'must lie in the days'],
    ['2262-04-10T00:00:00Z', 'must lie in the days'],
  ] as const) {
    it(`refuse ${text}, saying why`, () => {
      expect(() => parseDateTime(text)).to.throw(reason);
    });
  }

  it('in milliseconds instead of seconds are refused with a hint', () => {
    expect(() => parseUnixSeconds(1605179400_000)).to.throw('divide by 1000');
    expect(() => parseUnixSeconds(Number.NaN)).to.throw('must be UNIX seconds');
  });

  it('are shown to the millisecond, and read back what they show', () => {
    expect(formatTime(1605179400_000999999n)).to.equal('2020-11-12T11:10:00Z');
    expect(formatTime(1605179400_123999999n)).to.equal('2020-11-12T11:10:00.123Z');
    expect(formatTime(-1n)).to.equal('1969-12-31T23:59:59.999Z');
    fc.assert(
      fc.property(fc.bigInt(MIN_TIME, END_OF_TIME - 1n), (time) => {
        expect(toMilliseconds(parseDateTime(formatTime(time)))).to.equal(toMilliseconds(time));
      }),
    );
  });
});
