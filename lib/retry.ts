/** Waits that double from one failure to the next, with jitter so that a thousand clients do not come back at once. */
export class Backoff {
  private failures = 0;

  /**
   * @param least - milliseconds of the first wait, less jitter
   * @param random - from 0 to 1
   */
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

  /** Begins anew, as after a success. */
  reset(): void {
    this.failures = 0;
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
