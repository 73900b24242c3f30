import { expect } from 'chai';
import { Backoff, retryAfterOf } from '../lib/retry.js';

describe('waits between tries', () => {
  it('double, less up to half of each, to the most that there is, and begin anew after a success', () => {
    const waits = (random: number): number[] => {
      const backoff = new Backoff(100, 500, () => random);
      const first = [backoff.next(), backoff.next(), backoff.next(), backoff.next()];
      for (let failure = 0; failure < 2000; failure++) backoff.next();
      const last = backoff.next();
      backoff.reset();
      return [...first, last, backoff.next()];
    };
    expect(waits(1)).to.deep.equal([100, 200, 400, 500, 500, 100]);
    expect(waits(0)).to.deep.equal([50, 100, 200, 250, 250, 50]);
  });

  it('are those that a server asks for, in seconds or until a date that is still to come', () => {
    const now = Date.parse('2026-01-05T12:00:00Z');
    const asked = ['17', ' 1.5 ', 'Mon, 05 Jan 2026 12:02:00 GMT', '0', 'Mon, 05 Jan 2026 11:00:00 GMT', 'soon', ''];
    expect(asked.map((header) => retryAfterOf(header, now))).to.deep.equal([
      17,
      1.5,
      120,
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    expect(retryAfterOf(undefined, now)).to.equal(undefined);
  });
});
