import type { Selection } from '../aggregation.js';
import { type Series, seriesOf } from '../event.js';
import { toMilliseconds } from '../time.js';
import { isSelected, rangeOf } from './flux.js';
import { Intervals } from './intervals.js';
import { linePrefix } from './line-protocol.js';
import { Page } from './page.js';

/**
 * The lengths of pages in milliseconds: a millisecond, a second, a minute, an hour, a day, a hundred days. Each is a
 * multiple of the one before, so that two pages are either apart or one lies within the other; and nanoseconds of the
 * longest still fit into a double.
 */
export const PAGE_LENGTHS = [1, 1000, 60_000, 3_600_000, 86_400_000, 8_640_000_000] as const;
const SECOND_LEVEL = 1;
export const DAY_LEVEL = 4;
export const LONGEST_LEVEL = 5;

/** A page that grows beyond so many points is given up, and shorter ones are asked for in its place. */
export const MAX_POINTS_PER_PAGE = 100_000;

const MAX_SERIES = 50_000;

/** Pages of fewer bytes have room enough as they are. */
const MIN_BYTES_TO_SHORTEN = 8192;

/** What is known of one series. */
export class SeriesTimes {
  /** Where a page must be asked for; elsewhere a time without a page is known to be free. */
  readonly unknown = new Intervals();
  /** Whether `unknown` is already cut down to where InfluxDB holds points of the series. */
  narrowed = false;
  /** Which length of page to ask for next. */
  level = DAY_LEVEL;
  /** The longest that was not too full. */
  longest: number = LONGEST_LEVEL;
  /** See `linePrefix`. */
  readonly prefix: string;
  /** No two of them overlap. */
  private readonly pages = new Map<number, Page>();
  private readonly counts = PAGE_LENGTHS.map(() => 0);
  private recent: Page | undefined;
  /** Where the last page was that was given up for want of room. */
  private givenUp: { readonly start: number; readonly end: number } | undefined;

  /** @param number - tells it apart from others, as small numbers do */
  constructor(
    readonly series: Series,
    readonly number: number,
  ) {
    this.prefix = linePrefix(series);
  }

  pageAt(milliseconds: number): Page | undefined {
    if (this.recent && this.recent.start <= milliseconds && milliseconds < this.recent.end) return this.recent;
    for (let level = 0; level < PAGE_LENGTHS.length; level++) {
      if (this.counts[level] === 0) continue;
      const page = this.pages.get(pageKey(level, milliseconds));
      if (page) {
        this.recent = page;
        return page;
      }
    }
    return undefined;
  }

  /** From now on no longer page than a day is asked for. */
  keepWithinDays(): void {
    this.keepWithin(DAY_LEVEL);
  }

  /** Notes that a page was given up for want of room. */
  giveUp(page: Page): void {
    const { start, end, bytes } = page;
    if (bytes >= MIN_BYTES_TO_SHORTEN) this.givenUp = { start, end };
  }

  /**
   * To be called before a page is asked for. Where it was given up for want of room and is needed again, all pages of
   * that length that are in use have no room together, and would be asked for again and again: from now on only shorter
   * ones are.
   */
  shortenAt(milliseconds: number): void {
    const { givenUp } = this;
    if (givenUp === undefined || milliseconds < givenUp.start || milliseconds >= givenUp.end) return;
    this.givenUp = undefined;
    this.keepWithin(Math.max(levelOf(givenUp) - 1, 0));
  }

  /** Whether a page's time is known to be free of points. */
  isFree({ start, end }: Page): boolean {
    return !this.unknown.meets(start, end);
  }

  get hasShortest(): boolean {
    return this.counts[0] !== 0;
  }

  insert(level: number, page: Page): void {
    this.pages.set(pageKey(level, page.start), page);
    this.counts[level] = (this.counts[level] ?? 0) + 1;
    this.recent = page;
  }

  remove(page: Page): void {
    if (this.recent === page) this.recent = undefined;
    const level = levelOf(page);
    if (this.pages.delete(pageKey(level, page.start))) this.counts[level] = (this.counts[level] ?? 0) - 1;
  }

  /** All pages, or those within a stretch. */
  *pagesWithin(start = -Infinity, end = Infinity): Generator<Page, void, undefined> {
    for (const page of this.pages.values()) if (start <= page.start && page.end <= end) yield page;
  }

  private keepWithin(level: number): void {
    this.longest = Math.min(this.longest, level);
    this.level = Math.min(this.level, level);
  }
}

/**
 * Which nanoseconds of which series are taken, within a bounded memory. What was forgotten, and all time before the
 * writer's start, is unknown and has to be asked for; all other time is known without asking.
 */
export class Occupancy {
  private readonly series = new Map<string, SeriesTimes>();
  /** Least recently used first. */
  private readonly pages = new Map<Page, { readonly owner: SeriesTimes; bytes: number }>();
  /** Pages that stay until `settle`. */
  private readonly needed = new Set<Page>();
  /** What the pages of forgotten series covered. */
  private readonly forgotten = new Intervals();
  private bytes = 0;
  private numbered = 0;
  private readonly levels = new Map<string, number>();

  /**
   * @param since - the writer's start in milliseconds
   * @param ahead - for series with points after it, the millisecond after the last
   */
  constructor(
    private readonly since: number,
    private readonly ahead: ReadonlyMap<string, number>,
    private readonly maxBytes: number,
  ) {}

  get memory(): { readonly bytes: number; readonly pages: number; readonly series: number } {
    return { bytes: this.bytes, pages: this.pages.size, series: this.series.size };
  }

  /** Whether all that there is room for is needed until `settle`, so that nothing more should be learned before. */
  get isFull(): boolean {
    return this.bytes >= this.maxBytes;
  }

  timesOf(series: Series): SeriesTimes {
    const known = this.series.get(series.key);
    if (known) return known;
    const { namespace, name, tags } = series;
    const times = new SeriesTimes(seriesOf(namespace, name, tags), this.numbered++);
    times.unknown.add(-Infinity, this.since);
    times.unknown.add(this.since, this.ahead.get(series.key) ?? this.since);
    times.unknown.addAll(this.forgotten);
    times.level = this.levels.get(kindOf(series)) ?? DAY_LEVEL;
    this.series.set(series.key, times);
    return times;
  }

  /** The page around a time, or nothing where it has to be asked for. */
  pageAt(times: SeriesTimes, milliseconds: number): Page | undefined {
    const page = times.pageAt(milliseconds);
    if (page) return page;
    return this.open(times, milliseconds);
  }

  /**
   * The page in which a sample has to be noted, or nothing where its time is unknown. A sample stays at its exact time
   * whatever is there, so that only events that look for a free one need to know of it. For live time no page is opened:
   * series of samples would have one for each second. It becomes unknown instead, up to the end of that second, and who
   * feeds a series both ways asks.
   */
  pageOfSample(times: SeriesTimes, milliseconds: number): Page | undefined {
    if (milliseconds < this.since) return this.pageAt(times, milliseconds);
    const page = times.pageAt(milliseconds);
    if (page === undefined && !times.unknown.meets(milliseconds, milliseconds + 1)) {
      times.unknown.add(this.since, (numberAt(SECOND_LEVEL, milliseconds) + 1) * PAGE_LENGTHS[SECOND_LEVEL]);
    }
    return page;
  }

  /** Keeps the page around a time, if there is one, until `settle`. */
  need(times: SeriesTimes, milliseconds: number): void {
    const page = times.pageAt(milliseconds);
    if (page) this.needed.add(page);
  }

  /**
   * Keeps a page with all that InfluxDB holds there, until `settle` at least; what was known in smaller pages within it
   * goes, and others that are not needed make room for it.
   */
  learn(times: SeriesTimes, level: number, page: Page): void {
    for (const smaller of times.pagesWithin(page.start, page.end)) this.drop(smaller);
    this.needed.add(this.keep(times, level, page));
    this.makeRoom();
  }

  /** Notes which length of page suits a series, and others of its kind. */
  prefer(times: SeriesTimes, level: number): void {
    times.level = Math.min(level, times.longest);
    if (this.levels.size > MAX_SERIES) this.levels.clear();
    this.levels.set(kindOf(times.series), times.level);
  }

  /** Forgets what is known around a time, so that it is asked for again. */
  forget(times: SeriesTimes, milliseconds: number): void {
    const page = times.pageAt(milliseconds);
    if (page) this.evict(page);
  }

  /** Forgets all that is known around the times of the selected points. */
  forgetSelected(selection: Selection): void {
    const { start, end } = rangeOf(selection);
    const [first, last] = [toMilliseconds(start), toMilliseconds(end - 1n)];
    for (const times of this.series.values()) {
      if (!isSelected(times.series, selection)) continue;
      for (const page of times.pagesWithin()) if (page.start <= last && page.end > first) this.evict(page);
    }
  }

  /** Marks pages as lately used, takes stock of their growth, and makes room. To be called between two writes. */
  settle(used: ReadonlySet<Page>): void {
    this.needed.clear();
    for (const page of used) {
      const entry = this.pages.get(page);
      if (!entry) continue;
      this.bytes += page.bytes - entry.bytes;
      entry.bytes = page.bytes;
      this.pages.delete(page);
      this.pages.set(page, entry);
      if (page.size > MAX_POINTS_PER_PAGE * 2 && page.end - page.start > PAGE_LENGTHS[SECOND_LEVEL]) this.evict(page);
    }
    this.makeRoom();
    for (const [key, times] of this.series) {
      if (this.series.size <= MAX_SERIES) break;
      this.series.delete(key);
      for (const page of times.pagesWithin()) this.evict(page);
      this.forgotten.addAll(times.unknown, this.since);
    }
  }

  /**
   * An empty page where there is known to be nothing: of live time a second, for much may come; of time before the
   * start the longest. The two never overlap: time becomes unknown, but what was unknown stays so.
   */
  private open(times: SeriesTimes, milliseconds: number): Page | undefined {
    if (milliseconds < this.since) {
      const page = pageOf(LONGEST_LEVEL, milliseconds);
      if (page.end <= this.since && times.isFree(page)) return this.keep(times, LONGEST_LEVEL, page);
    }
    const page = pageOf(SECOND_LEVEL, milliseconds);
    return !times.hasShortest && times.isFree(page) ? this.keep(times, SECOND_LEVEL, page) : undefined;
  }

  private keep(times: SeriesTimes, level: number, page: Page): Page {
    times.insert(level, page);
    this.pages.set(page, { owner: times, bytes: page.bytes });
    this.bytes += page.bytes;
    return page;
  }

  private makeRoom(): void {
    if (this.bytes <= this.maxBytes) return;
    for (const [page, { owner }] of this.pages) {
      if (this.needed.has(page)) continue;
      owner.giveUp(page);
      this.evict(page);
      if (this.bytes <= this.maxBytes) return;
    }
  }

  private evict(page: Page): void {
    this.pages.get(page)?.owner.unknown.add(page.start, page.end);
    this.drop(page);
  }

  private drop(page: Page): void {
    const entry = this.pages.get(page);
    if (!entry) return;
    this.bytes -= entry.bytes;
    entry.owner.remove(page);
    this.pages.delete(page);
  }
}

/** Tells pages of all lengths apart: the number of its length since 1970, and which length that is. */
function pageKey(level: number, milliseconds: number): number {
  return numberAt(level, milliseconds) * 8 + level;
}

function levelOf({ start, end }: { readonly start: number; readonly end: number }): number {
  return PAGE_LENGTHS.findIndex((length) => length === end - start);
}

function numberAt(level: number, milliseconds: number): number {
  return Math.floor(milliseconds / (PAGE_LENGTHS[level] ?? 1));
}

/** An empty page of a length, around a time. */
export function pageOf(level: number, milliseconds: number): Page {
  const length = PAGE_LENGTHS[level] ?? 1;
  const start = numberAt(level, milliseconds) * length;
  return new Page(start, start + length);
}

function kindOf(series: Series): string {
  return `${series.namespace}\0${series.name}`;
}
