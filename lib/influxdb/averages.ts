import { type Row, cellOf, groupOf } from './rows.js';

// What a table has beside the tags of its series.
const OWN_COLUMNS = new Set(['_start', '_stop', '_time', '_value']);

/**
 * Averages over all series of a window, made of the mean of each and how many points it has. InfluxDB makes a mean in
 * one pass, while a sum and a count are two, between which points come in: their quotient may be more than any value.
 * Means whose weights are a moment old stay between the least value and the greatest.
 */
export class Averages {
  private readonly counts = new Map<string, Map<number, number>>();
  private readonly averages = new Map<string, Map<number, Average>>();
  private last: { readonly row: Row; readonly series: string } | undefined;
  private mixed = false;

  /** Takes how many points a series has in a window. */
  count(row: Row, window: number, points: number): void {
    valuesAt(this.counts, this.seriesOf(row)).set(window, points);
  }

  /** Takes the mean of a series in a window. */
  add(row: Row, group: string, window: number, mean: number): void {
    // What came in since the counts has the least weight.
    const points = this.counts.get(this.seriesOf(row))?.get(window) ?? 1;
    const ofGroup = valuesAt(this.averages, group);
    const there = ofGroup.get(window);
    if (there === undefined) ofGroup.set(window, { mean, total: mean * points, points });
    else {
      this.mixed = true;
      there.total += mean * points;
      there.points += points;
      there.mean = there.total / there.points;
    }
  }

  /** Whether several series have points in one window, and nothing has told how many. */
  get needsCounts(): boolean {
    return this.mixed && this.counts.size === 0;
  }

  /** Forgets the means. */
  restart(): void {
    this.averages.clear();
  }

  *[Symbol.iterator](): Generator<{ readonly group: string; readonly window: number; readonly mean: number }> {
    for (const [group, windows] of this.averages) {
      for (const [window, { mean }] of windows) yield { group, window, mean };
    }
  }

  /** The tags of a row's series; rows of one series follow each other. */
  private seriesOf(row: Row): string {
    if (this.last?.row.table === row.table && groupOf(this.last.row) === groupOf(row)) return this.last.series;
    const tags = row.table.labels.filter((label) => !OWN_COLUMNS.has(label)).sort();
    const series = JSON.stringify(tags.map((tag) => [tag, cellOf(row, tag)]));
    this.last = { row, series };
    return series;
  }
}

interface Average {
  mean: number;
  total: number;
  points: number;
}

function valuesAt<Value>(map: Map<string, Map<number, Value>>, key: string): Map<number, Value> {
  let values = map.get(key);
  if (!values) map.set(key, (values = new Map<number, Value>()));
  return values;
}
