import type { Aggregation } from '../../aggregation.js';
import type { Row } from '../../answer.js';

/** What the rows of an answer hold. */
export interface Shape {
  /** One value each; none for events (granularity `none`), which have a value of their own. */
  readonly aggregations: readonly Aggregation[];
  readonly groupBy: string | undefined;
  /** The keys that the tags of events may have, for a format that has columns. */
  readonly tagKeys: readonly string[];
}

/** How rows become text. */
export interface Format {
  readonly contentType: string;
  /** Whether it has to know all tag keys before the first row. */
  readonly hasColumns: boolean;
  write(shape: Shape): Writer;
}

/** One answer being written; the rows come in order of group. */
export interface Writer {
  readonly head: string;
  row(row: Row): string;
  tail(): string;
}

/** Neither JSON nor CSV has a word for what is no finite number. */
export function isNumber(value: number | null | undefined): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}
