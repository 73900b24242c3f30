import { setTimeout as sleep } from 'node:timers/promises';
import { Backoff } from '../retry.js';

const FIRST_WAIT = 100;
const LONGEST_WAIT = 5000;
/** Seconds: a server may ask for more, and is asked again nonetheless. */
const LONGEST_ASKED = 60;

/** Waits so many milliseconds, or until the signal. */
export type Pause = (milliseconds: number, signal: AbortSignal) => Promise<void>;

export const pause: Pause = (milliseconds, signal) => sleep(milliseconds, undefined, { signal }).catch(() => undefined);

/** How long to wait between tries of one request. */
export class Waits {
  private readonly backoff = new Backoff(FIRST_WAIT, LONGEST_WAIT);

  /**
   * Milliseconds until the next try.
   * @param retryAfter - the seconds that the server asked for
   */
  next(retryAfter: number | undefined): number {
    return Math.min(retryAfter ?? 0, LONGEST_ASKED) * 1000 + this.backoff.next();
  }
}
