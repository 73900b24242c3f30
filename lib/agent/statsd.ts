import { adoptTags, adoptText } from '../adoption.js';
import type { Tags } from '../event.js';
import { owned } from '../owned-text.js';
import type { Figure } from './figure.js';
import { type Metric, readLine } from './statsd-line.js';
import { TimerRoom, TimerValues } from './statsd-timer.js';

export interface StatsDOptions {
  /** Percentiles of timers, such as 90. */
  readonly percentiles: readonly number[];
  /** Told of the first malformed line, and of the first one beyond the limit. */
  readonly say: (message: string) => void;
}

/** What arrived and was of no use. */
export interface StatsDCounts {
  readonly lines: number;
  readonly malformed: number;
  /** Lines of series beyond the limit. */
  readonly beyond: number;
}

/** Something may name a series for each of its users; the memory of the agent is bounded. */
const MAX_SERIES = 10_000;
const MAX_NAMES = 2 ** 21; // characters of their names and tags
const MAX_SET = 100_000; // texts of all sets together
const MAX_TEXTS = 2 ** 21; // characters of those
const MAX_SHOWN = 100; // characters

type Values =
  | { readonly kind: 'counter'; value: number }
  | { readonly kind: 'gauge'; value: number }
  | { readonly kind: 'timer'; readonly values: TimerValues }
  | { readonly kind: 'set'; readonly texts: Set<string> };

interface Entry {
  readonly name: string;
  readonly tags: Tags;
  readonly values: Values;
}

/**
 * Gathers what StatsD clients send and gives it as figures, once an interval: counters and sets begin anew, gauges keep
 * their value, and a timer becomes several figures.
 */
export class StatsD {
  private readonly entries = new Map<string, Entry>();
  private lines = 0;
  private malformed = 0;
  private beyond = 0;
  private names = 0; // characters
  private texts = 0;
  private textCharacters = 0;
  private readonly room = new TimerRoom();

  constructor(private readonly options: StatsDOptions) {}

  get counts(): StatsDCounts {
    return { lines: this.lines, malformed: this.malformed, beyond: this.beyond };
  }

  /** Takes a packet: one line or several. */
  receive(packet: string): void {
    for (const text of packet.split('\n')) {
      const line = text.endsWith('\r') ? text.slice(0, -1) : text;
      if (line === '') continue;
      this.lines++;
      const metric = readLine(line);
      if (metric === 'other') continue;
      if (metric === undefined) this.refuse(line);
      else this.add(metric);
    }
  }

  private refuse(line: string): void {
    if (this.malformed++ > 0) return;
    const shown = JSON.stringify(line.slice(0, MAX_SHOWN));
    this.options.say(
      `A line is no StatsD, and left out: ${shown}. Further ones are only counted (tracking agent status).`,
    );
  }

  private add(metric: Metric): void {
    const entry = this.entryOf(metric);
    if (entry === undefined) {
      if (this.beyond++ === 0)
        this.options.say(
          `More than ${MAX_SERIES} series, or ${MAX_NAMES} characters of their names and tags, came over StatsD; the rest is left out.`,
        );
      return;
    }
    for (const value of metric.values) this.addTo(entry.values, value, metric.rate);
  }

  /** The entry of its series; undefined where there are too many. */
  private entryOf({ kind, name, tags }: Metric): Entry | undefined {
    const sorted = tags.map(([tag, value]) => `${tag}\0${value}`).sort();
    const key = [kind, name, ...sorted].join('\0');
    const known = this.entries.get(key);
    if (known !== undefined) return known;
    if (this.entries.size >= MAX_SERIES || this.names + key.length > MAX_NAMES) return undefined;
    const ownTags = tags.map(([tag, value]) => [owned(tag), owned(value)] as const);
    const entry = { name: adoptText(owned(name)), tags: adoptTags(ownTags), values: this.emptyOf(kind) };
    this.entries.set(key, entry);
    this.names += key.length;
    return entry;
  }

  private addTo(values: Values, text: string, rate: number): void {
    if (values.kind === 'timer') values.values.add(Number(text), rate);
    else if (values.kind === 'counter') values.value += Number(text) / rate;
    else if (values.kind === 'gauge') values.value = /^[+-]/.test(text) ? values.value + Number(text) : Number(text);
    else if (this.texts < MAX_SET && this.textCharacters < MAX_TEXTS && !values.texts.has(text)) {
      values.texts.add(owned(text));
      this.texts++;
      this.textCharacters += text.length;
    }
  }

  private emptyOf(kind: Metric['kind']): Values {
    if (kind === 'timer') return { kind, values: new TimerValues(this.room) };
    if (kind === 'set') return { kind, texts: new Set() };
    return { kind, value: 0 };
  }

  /** What came since the last time. */
  flush(): Figure[] {
    const figures: Figure[] = [];
    for (const [key, { name, tags, values }] of this.entries) {
      if (values.kind === 'counter' || values.kind === 'gauge') figures.push({ name, value: values.value, tags });
      else if (values.kind === 'set') figures.push({ name, value: values.texts.size, tags });
      else {
        const summary = values.values.summary(this.options.percentiles);
        figures.push(...summary.map(([suffix, value]) => ({ name: adoptText(`${name}.${suffix}`), value, tags })));
      }
      if (values.kind === 'gauge') continue;
      this.entries.delete(key);
      this.names -= key.length;
    }
    this.texts = 0;
    this.textCharacters = 0;
    this.room.empty();
    return figures.filter(({ value }) => Number.isFinite(value));
  }
}
