import { setTimeout as sleep } from 'node:timers/promises';

const FIRST_WAIT = 100;
const LONGEST_WAIT = 5000;
/** Seconds: a server may ask for more, and is asked again nonetheless. */
const LONGEST_ASKED = 60;

/** Waits so many milliseconds, or until the signal. */
export type Pause = (milliseconds: number, signal: AbortSignal) => Promise<void>;

export const pause: Pause = (milliseconds, signal) => sleep(milliseconds, undefined, { signal }).catch(() => undefined);

/** How long to wait between tries: longer each time, and with jitter, so that several services do not come back at once. */
export class Backoff {
  private wait = FIRST_WAIT;

  /**
   * Milliseconds until the next try.
   * @param retryAfter - the seconds that the server asked for
   */
  next(retryAfter: number | undefined): number {
    const { wait } = this;
    this.wait = Math.min(wait * 2, LONGEST_WAIT);
    const jitter = wait * (0.5 + Math.random() / 2);
    return retryAfter === undefined ? jitter : Math.min(retryAfter, LONGEST_ASKED) * 1000 + jitter;
  }
}

/**
 * The seconds of a `Retry-After` (RFC 9110 §10.2.3: a number of them, or a date); nothing where it says none.
 * @param now - milliseconds since 1970
 */
export function retryAfterOf(header: string | undefined, now: number): number | undefined {
  const text = header?.trim() ?? '';
  if (/^\d+(?:\.\d+)?$/.test(text)) return Number(text) > 0 ? Number(text) : undefined;
  const seconds = (Date.parse(text) - now) / 1000;
  return seconds > 0 ? seconds : undefined;
}
