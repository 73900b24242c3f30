import type { Arrival } from './arrival.js';
import { type Occupancy, PAGE_LENGTHS, type SeriesTimes } from './occupancy.js';

/** What is unknown and has to be asked for before a part can be placed. */
export class Missing {
  size = 0;
  private readonly bySeries = new Map<SeriesTimes, Map<number, number>>();

  addIfUnknown(occupancy: Occupancy, { point, times, moment: { milliseconds } }: Arrival): void {
    // A sample stays at its exact time, whatever is there.
    if (point.identity.kind === 'sample' || occupancy.pageAt(times, milliseconds)) return;
    const pages = this.bySeries.get(times) ?? new Map<number, number>();
    this.bySeries.set(times, pages);
    const number = Math.floor(milliseconds / (PAGE_LENGTHS[times.level] ?? 1));
    if (!pages.has(number)) this.size++;
    pages.set(number, milliseconds);
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

  pages(): [SeriesTimes, number][] {
    return [...this.bySeries].flatMap(([times, pages]) =>
      [...pages.values()].map((milliseconds): [SeriesTimes, number] => [times, milliseconds]),
    );
  }
}
