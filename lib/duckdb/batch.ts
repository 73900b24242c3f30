import type { Point } from '../event.js';
import type { SeriesCatalog, StoredSeries } from './series.js';

/** The points of one write with their series found, and what becomes true once they are committed. */
export class Batch {
  private readonly series: readonly StoredSeries[];
  /** Series that the file does not hold yet. */
  readonly newSeries: StoredSeries[] = [];
  private readonly newByKey = new Map<string, StoredSeries>();

  constructor(
    readonly points: readonly Point[],
    private readonly catalog: SeriesCatalog,
  ) {
    this.series = points.map((point) => this.find(point));
  }

  /** The series of a point by its index. */
  seriesAt(index: number): StoredSeries {
    const stored = this.series[index];
    if (stored === undefined) throw new RangeError(`The batch has no point ${String(index)}.`);
    return stored;
  }

  private find({ series, time }: Point): StoredSeries {
    const known = this.catalog.find(series.key) ?? this.newByKey.get(series.key);
    if (known !== undefined) return known;
    const id = this.catalog.nextId + this.newSeries.length;
    const stored: StoredSeries = { id, series, first: time, last: time, count: 0 };
    this.newSeries.push(stored);
    this.newByKey.set(series.key, stored);
    return stored;
  }

  /** Tells the catalog of a batch that is durable. */
  committed(): void {
    for (const stored of this.newSeries) this.catalog.add(stored);
    this.points.forEach(({ time }, index) => {
      const stored = this.seriesAt(index);
      if (time < stored.first) stored.first = time;
      if (time > stored.last) stored.last = time;
      stored.count++;
    });
  }
}
