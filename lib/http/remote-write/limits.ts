import { TrackingError } from '../../errors.js';
import { MAX_EVENTS_PER_REQUEST } from '../../event.js';

/** Labels of one series, and texts in the table of a request. */
export const MAX_LABELS = 1000;
export const MAX_SYMBOLS = 400_000;

/** Labels of all series of a request that has them in a table, where one costs two bytes. */
const MAX_LABELS_OF_ALL = 40 * MAX_EVENTS_PER_REQUEST;

/** Counts the labels of a request. */
export class LabelCount {
  private count = 0;

  /** @throws TrackingError `too-large` where there are more of them than a request may have */
  add(labels: number): void {
    this.count += labels;
    if (this.count <= MAX_LABELS_OF_ALL) return;
    throw new TrackingError(
      'too-large',
      `The series of a request may have at most ${MAX_LABELS_OF_ALL} labels together, and these have more. Send fewer samples at once: in Prometheus, with max_samples_per_send of its queue_config.`,
    );
  }
}

/** @throws TrackingError `too-large` where a request holds more samples than it may */
export function refuseTooMany(samples: number): void {
  if (samples <= MAX_EVENTS_PER_REQUEST) return;
  throw new TrackingError(
    'too-large',
    `A request may carry at most ${MAX_EVENTS_PER_REQUEST} samples, and this one has more. Send them in several: in Prometheus, with max_samples_per_send of its queue_config.`,
  );
}
