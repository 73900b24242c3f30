import { TrackingError } from '../../errors.js';
import { MAX_EVENTS_PER_REQUEST } from '../../event.js';

/** Labels of one series, and texts in the table of a request. */
export const MAX_LABELS = 1000;
export const MAX_SYMBOLS = 400_000;

/** @throws TrackingError `too-large` where a request holds more samples than it may */
export function refuseTooMany(samples: number): void {
  if (samples <= MAX_EVENTS_PER_REQUEST) return;
  throw new TrackingError(
    'too-large',
    `A request may carry at most ${MAX_EVENTS_PER_REQUEST} samples, and this one has more. Send them in several: in Prometheus, with max_samples_per_send of its queue_config.`,
  );
}
