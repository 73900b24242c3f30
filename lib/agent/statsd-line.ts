/** What StatsD counts, https://github.com/statsd/statsd/blob/master/docs/metric_types.md, and what DogStatsD adds. */
export type MetricKind = 'counter' | 'gauge' | 'timer' | 'set';

/** A line of StatsD or DogStatsD, read. */
export interface Metric {
  readonly kind: MetricKind;
  readonly name: string;
  /** As they were sent: a set holds any texts; several stand in one line of DogStatsD 1.1. */
  readonly values: readonly string[];
  /** The share of what happened that was sent, from 0 to 1. */
  readonly rate: number;
  readonly tags: readonly (readonly [string, string])[];
}

const KINDS = new Map<string, MetricKind>([
  ['c', 'counter'],
  ['g', 'gauge'],
  ['ms', 'timer'],
  ['h', 'timer'],
  ['d', 'timer'],
  ['s', 'set'],
]);
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
/** What DogStatsD sends besides metrics, and what is no use here: its events and service checks. */
const OTHERS = /^_(?:e\{|sc\|)/;

/** @returns the metric; `other` for what is right and no metric; undefined for what is malformed */
export function readLine(line: string): Metric | 'other' | undefined {
  if (OTHERS.test(line)) return 'other';
  const [body = '', type = '', ...sections] = line.split('|');
  const colon = body.indexOf(':');
  const kind = KINDS.get(type);
  const name = body.slice(0, colon);
  if (colon < 1 || kind === undefined) return undefined;
  // A text of a set may hold colons.
  const values = kind === 'set' ? [body.slice(colon + 1)] : body.slice(colon + 1).split(':');
  if (!values.every((value) => (kind === 'set' ? value !== '' : isNumber(value)))) return undefined;
  const rate = rateIn(sections);
  return rate === undefined ? undefined : { kind, name, values, rate, tags: tagsIn(sections) };
}

/** Also one of so many digits that it counts as infinite is none. */
function isNumber(text: string): boolean {
  return NUMBER.test(text) && Number.isFinite(Number(text));
}

function rateIn(sections: readonly string[]): number | undefined {
  const section = sections.find((text) => text.startsWith('@'));
  if (section === undefined) return 1;
  const rate = NUMBER.test(section.slice(1)) ? Number(section.slice(1)) : 0;
  return rate > 0 && rate <= 1 ? rate : undefined;
}

/** `#key:value,key`; one without a value says that something is so. */
function tagsIn(sections: readonly string[]): [string, string][] {
  const section = sections.find((text) => text.startsWith('#'));
  if (section === undefined) return [];
  return section
    .slice(1)
    .split(',')
    .filter((tag) => tag !== '')
    .map((tag) => {
      const colon = tag.indexOf(':');
      return colon < 0 ? [tag, 'true'] : [tag.slice(0, colon), tag.slice(colon + 1)];
    });
}
