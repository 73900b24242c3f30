import { expect } from 'chai';
import { steadyClock } from '../../lib/oauth/clock.js';

describe('A steady clock', () => {
  const LIFETIME = 3_600_000;
  const DAY = 24 * LIFETIME;
  let system: number;
  let elapsed: number;
  let clock: () => number;
  beforeEach(() => {
    [system, elapsed] = [1_700_000_000_000, 5000];
    clock = steadyClock(
      LIFETIME,
      () => system,
      () => elapsed,
    );
  });

  function pass(milliseconds: number): void {
    system += milliseconds;
    elapsed += milliseconds;
  }

  it('goes as the system clock does', () => {
    expect(clock()).to.equal(system);
    pass(DAY);
    system += 500;
    expect(clock()).to.equal(system);
  });

  it('follows a step forward only when what was issued before has ended', () => {
    system += DAY;
    expect(clock()).to.equal(system - DAY);
    pass(LIFETIME - 1);
    expect(clock()).to.equal(system - DAY);
    pass(1);
    expect(clock()).to.equal(system);
  });

  it('follows a step back at once, and a step forward that is taken back not at all', () => {
    system -= LIFETIME;
    expect(clock()).to.equal(system);
    system += DAY;
    expect(clock()).to.equal(system - DAY);
    system -= DAY;
    expect(clock()).to.equal(system);
    pass(2 * LIFETIME);
    expect(clock()).to.equal(system);
  });
});
