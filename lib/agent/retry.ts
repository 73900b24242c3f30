/** Waits that double from one failure to the next, with jitter so that a thousand agents do not come back at once. */
export class Backoff {
  private failures = 0;

  /** @param random - from 0 to 1 */
  constructor(
    private readonly least: number,
    private readonly most: number,
    private readonly random: () => number = Math.random,
  ) {}

  /** Milliseconds to wait now. */
  next(): number {
    const whole = Math.min(this.most, this.least * 2 ** this.failures);
    this.failures = Math.min(this.failures + 1, 30);
    return whole * (0.5 + this.random() / 2);
  }

  reset(): void {
    this.failures = 0;
  }
}

/** What is obeyed of a `Retry-After` at most, so that a wrong clock somewhere keeps nothing back for years. */
const LONGEST = 3_600_000; // ms

/**
 * Reads `Retry-After` (RFC 9110 §10.2.3): seconds or a date.
 * @param now - milliseconds since 1970
 * @returns milliseconds from now, at most an hour; undefined for what is neither
 */
export function readRetryAfter(text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined;
  const wait = /^\s*\d+\s*$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now;
  return Number.isNaN(wait) ? undefined : Math.min(Math.max(0, wait), LONGEST);
}
