import { TrackingError } from '../errors.js';
import type { GatheredRefusals } from '../files/import-progress.js';
import { formatNanoseconds } from '../time.js';
import type { Step } from '../transfer.js';

const MAX_LISTED = 20;

/** What the database will never take, gathered over a whole transfer. */
export class Refusals {
  private count: number;
  private readonly listed: { readonly number: number; readonly words: string }[];

  /** @param before - those of the transfer that goes on here */
  constructor({ count, listed }: GatheredRefusals = { count: 0, listed: [] }) {
    this.count = count;
    this.listed = [...listed];
  }

  get gathered(): GatheredRefusals {
    return { count: this.count, listed: this.listed };
  }

  /** @param before - how many points came before those of the step */
  add({ points, refusals }: Step, before: number): void {
    this.count += refusals.length;
    for (const { index, reason } of refusals.slice(0, MAX_LISTED - this.listed.length)) {
      const point = points[index];
      const which = point && `${point.series.namespace}, ${point.series.name}, ${formatNanoseconds(point.time)}`;
      this.listed.push({ number: before + index + 1, words: `${which ?? ''}: ${reason}` });
    }
  }

  /**
   * @param counted - what is numbered, such as `row`
   * @throws TrackingError `unprocessable` where there were any
   */
  report(counted: string): void {
    if (this.count === 0) return;
    const lines = this.listed.map(({ number, words }) => `- ${counted} ${number} (${words})`);
    const rest = this.count > lines.length ? [`- and ${this.count - lines.length} more`] : [];
    throw new TrackingError(
      'unprocessable',
      [`The database refuses ${this.count} of them; all others are stored:`, ...lines, ...rest].join('\n'),
    );
  }
}
