import type { Arrival } from './arrival.js';
import type { Occupancy } from './occupancy.js';
import { numberAt } from './page-lengths.js';
import type { SeriesTimes } from './series-times.js';

/** Whether an arrival can only be placed once a page around its time is known. */
export function isUnknown(occupancy: Occupancy, { point, times, moment, tooOld }: Arrival): boolean {
  // A sample stays at its exact time, whatever is there.
  return point.identity.kind !== 'sample' && !tooOld && occupancy.pageAt(times, moment.milliseconds) === undefined;
}

/** A page that has to be asked for. */
export interface MissingPage {
  readonly times: SeriesTimes;
  /** A time in it. */
  readonly milliseconds: number;
  /** Its length, so that it is apart from all others that are asked for at once (see `PAGE_LENGTHS`). */
  readonly level: number;
}

/** What is unknown and has to be asked for before a part can be placed. */
export class Missing {
  /** What is needed first comes first. */
  readonly pages: MissingPage[] = [];
  private readonly bySeries = new Map<SeriesTimes, Set<number>>();

  /** @returns whether it was */
  addIfUnknown(occupancy: Occupancy, arrival: Arrival): boolean {
    if (!isUnknown(occupancy, arrival)) return false;
    const { times } = arrival;
    const { level } = times;
    const { milliseconds } = arrival.moment;
    const numbers = this.bySeries.get(times) ?? new Set<number>();
    this.bySeries.set(times, numbers);
    const number = numberAt(level, milliseconds);
    if (!numbers.has(number)) this.pages.push({ times, milliseconds, level });
    numbers.add(number);
    return true;
  }

  /** Series whose points' first and last time have not been asked for, together where namespace and name are equal. */
  notNarrowed(): SeriesTimes[][] {
    const kinds = new Map<string, SeriesTimes[]>();
    for (const times of this.bySeries.keys()) {
      if (times.narrowed) continue;
      const kind = `${times.series.namespace}\0${times.series.name}`;
      const several = kinds.get(kind);
      if (several) several.push(times);
      else kinds.set(kind, [times]);
    }
    return [...kinds.values()];
  }
}
