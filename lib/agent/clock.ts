import { setTimeout } from 'node:timers/promises';

/** The time of day, and how to wait for a later one: of the system, or of a test that lets weeks pass in minutes. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Waits for so many milliseconds, or until the signal; never throws. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
}

/** What timers hold: longer waits are made of several. */
const LONGEST = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  async sleep(milliseconds, signal) {
    if (signal.aborted) return;
    await setTimeout(Math.min(Math.max(0, milliseconds), LONGEST), undefined, { signal }).catch(() => undefined);
  },
};

/**
 * Waits for the next full interval of the clock, such as 12:00:10 with ten seconds.
 * @param interval - milliseconds
 * @returns that time, in milliseconds since 1970; where the clock jumped meanwhile, the full interval that has begun last
 */
export async function nextTick(clock: Clock, interval: number, signal: AbortSignal): Promise<number> {
  let due = intervalStart(clock.now(), interval) + interval;
  while (!signal.aborted) {
    const wait = due - clock.now();
    if (wait <= 0) break;
    // The clock was put back.
    if (wait > interval) due = intervalStart(clock.now(), interval) + interval;
    else await clock.sleep(Math.ceil(wait), signal);
  }
  return intervalStart(Math.max(clock.now(), due), interval);
}

function intervalStart(time: number, interval: number): number {
  return Math.floor(time / interval) * interval;
}
