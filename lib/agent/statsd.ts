import { hash } from 'node:crypto';
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
const MAX_CHARACTERS = 2_000_000; // of their names and tags
const MAX_SET = 100_000; // texts of all sets together
const MAX_TEXT = 64; // characters, as many as the hash has that stands for what is longer
const MAX_SHOWN = 100; // characters

type Values =
  | { readonly kind: 'counter'; value: number }
  | { readonly kind: 'gauge'; value: number; changed: number }
  | { readonly kind: 'timer'; readonly values: TimerValues }
  | { readonly kind: 'set'; readonly texts: Set<string> };

interface Entry {
  readonly name: string;
  readonly tags: Tags;
  /** Of its name and tags. */
  readonly characters: number;
  readonly values: Values;
}

/**
 * Gathers what StatsD clients send and gives it as figures, once an interval: counters and sets begin anew, gauges keep
 * their value, and a timer becomes several figures.
 */
export class StatsD {
  private readonly entries = new Map<string, Entry>();
  /** Those that changed last stand at the end. */
  private readonly gauges = new Map<string, Entry>();
  private interval = 0;
  private timed = new TimerRoom();
  private lines = 0;
  private malformed = 0;
  private beyond = 0;
  private characters = 0; // of all series
  private texts = 0;

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
          `More than ${MAX_SERIES} series, or ${MAX_CHARACTERS} characters of their names and tags, came over StatsD; the rest is left out.`,
        );
      return;
    }
    for (const value of metric.values) this.addTo(entry.values, value, metric.rate);
  }

  /** The entry of its series; undefined where there are too many. */
  private entryOf({ kind, name, tags }: Metric): Entry | undefined {
    const sorted = tags.map(([tag, value]) => `${tag}\0${value}`).sort();
    const key = brief([kind, name, ...sorted].join('\0'));
    const entries = kind === 'gauge' ? this.gauges : this.entries;
    const known = entries.get(key);
    const entry = known ?? this.newEntry(kind, name, tags);
    if (known === undefined && !this.makeRoom(entry)) return undefined;
    if (kind === 'gauge') entries.delete(key);
    entries.set(key, entry);
    return entry;
  }

  private newEntry(kind: Metric['kind'], sentName: string, sentTags: Metric['tags']): Entry {
    const name = adoptText(owned(sentName));
    const tags = adoptTags(sentTags.map(([tag, value]) => [owned(tag), owned(value)]));
    const characters = [name, ...Object.entries(tags).flat()].join('').length;
    return { name, tags, characters, values: this.emptyOf(kind) };
  }

  /** Where there are too many series, gauges go that did not change for longest, unless they did in this interval. */
  private makeRoom({ characters }: Entry): boolean {
    for (const [key, gauge] of this.gauges) {
      if (this.hasRoom(characters) || gauge.values.kind !== 'gauge' || gauge.values.changed === this.interval) break;
      this.gauges.delete(key);
      this.characters -= gauge.characters;
    }
    if (!this.hasRoom(characters)) return false;
    this.characters += characters;
    return true;
  }

  private hasRoom(characters: number): boolean {
    const series = this.entries.size + this.gauges.size;
    return series < MAX_SERIES && this.characters + characters <= MAX_CHARACTERS;
  }

  private emptyOf(kind: Metric['kind']): Values {
    if (kind === 'timer') return { kind, values: new TimerValues(this.timed) };
    if (kind === 'set') return { kind, texts: new Set() };
    return kind === 'gauge' ? { kind, value: 0, changed: this.interval } : { kind, value: 0 };
  }

  private addTo(values: Values, text: string, rate: number): void {
    if (values.kind === 'timer') values.values.add(Number(text), rate);
    else if (values.kind === 'counter') values.value += Number(text) / rate;
    else if (values.kind === 'gauge') {
      values.value = /^[+-]/.test(text) ? values.value + Number(text) : Number(text);
      values.changed = this.interval;
    } else this.addToSet(values.texts, brief(text));
  }

  private addToSet(texts: Set<string>, text: string): void {
    if (this.texts >= MAX_SET || texts.has(text)) return;
    texts.add(owned(text));
    this.texts++;
  }

  /** What came since the last time. */
  flush(): Figure[] {
    const figures: Figure[] = [];
    for (const { name, tags, values } of [...this.entries.values(), ...this.gauges.values()]) {
      if (values.kind === 'counter' || values.kind === 'gauge') figures.push({ name, value: values.value, tags });
      else if (values.kind === 'set') figures.push({ name, value: values.texts.size, tags });
      else {
        const summary = values.values.summary(this.options.percentiles);
        figures.push(...summary.map(([suffix, value]) => ({ name: adoptText(`${name}.${suffix}`), value, tags })));
      }
    }
    for (const { characters } of this.entries.values()) this.characters -= characters;
    this.entries.clear();
    this.texts = 0;
    this.timed = new TimerRoom();
    this.interval++;
    return figures.filter(({ value }) => Number.isFinite(value));
  }
}

/** A text that is kept, or what stands for it where it is long. */
function brief(text: string): string {
  return text.length <= MAX_TEXT ? text : hash('sha256', text);
}
