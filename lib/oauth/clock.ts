/** Milliseconds since 1970, as `Date.now`. */
export type Clock = () => number;

/** Milliseconds by which the two clocks may part without a step: what is corrected bit by bit. */
const TOLERANCE = 1000;

/**
 * The system clock for judging what ends. When that steps forward, the step counts only after the lifetime of whatever
 * was issued before it, so that nothing ends early; a step back counts at once.
 * @param lifetime - of what is judged, in milliseconds
 * @param system - steps
 * @param elapsed - never does
 */
export function steadyClock(
  lifetime: number,
  system: Clock = Date.now,
  elapsed: Clock = () => performance.now(),
): Clock {
  let offset = system() - elapsed();
  let steppedAt: number | undefined;
  return () => {
    const now = elapsed();
    const latest = system() - now;
    if (latest - offset > TOLERANCE) {
      steppedAt ??= now;
      if (now - steppedAt < lifetime) return now + offset;
    }
    offset = latest;
    steppedAt = undefined;
    return now + offset;
  };
}
