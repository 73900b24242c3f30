import { TrackingError } from '../../errors.js';
import { MAX_EVENTS_PER_REQUEST } from '../../event.js';

/** Of points that may be made of the data points of a request. */
const MAX_POINTS = 100_000;

/** So deep may the values of an attribute be nested. */
export const MAX_DEPTH = 16;

/** So many attributes may a resource or a data point have. */
export const MAX_ATTRIBUTES = 1000;

/** So many have all of them together: fifty for each data point. */
const MAX_ATTRIBUTES_OF_ALL = 50 * MAX_EVENTS_PER_REQUEST;

/** Counts what a request holds while it is read, so that too much of it is never kept. */
export class Limits {
  private dataPoints = 0;
  /** How many were counted. */
  attributes = 0;
  private numbers = 0;

  /** @throws TrackingError `too-large` */
  countPoint(): void {
    if (++this.dataPoints > MAX_EVENTS_PER_REQUEST) {
      throw new TrackingError(
        'too-large',
        `A request may carry at most ${MAX_EVENTS_PER_REQUEST} data points, and this one has more. Send them in several: in a Collector, with send_batch_max_size of its batch processor.`,
      );
    }
  }

  /** Attributes, and parts of those that are lists or maps. @throws TrackingError `too-large` */
  countAttributes(count = 1): void {
    this.attributes += count;
    if (this.attributes > MAX_ATTRIBUTES_OF_ALL) {
      throw new TrackingError(
        'too-large',
        `A request may carry at most ${MAX_ATTRIBUTES_OF_ALL} attributes, and this one has more. Send its data points in several.`,
      );
    }
  }

  /** A bucket or a quantile. @throws TrackingError `too-large` */
  countBucket(): void {
    if (++this.numbers > MAX_POINTS) {
      throw new TrackingError(
        'too-large',
        `A request may carry at most ${MAX_POINTS} buckets and quantiles, and this one has more. Send them in several.`,
      );
    }
  }
}
