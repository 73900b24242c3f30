import type { Selection } from '../aggregation.js';
import { type Series, seriesOf } from '../event.js';
import { toMilliseconds } from '../time.js';
import { isSelected, rangeOf } from './flux.js';
import { Intervals, type Stretch } from './intervals.js';
import type { Page } from './page.js';
import { DAY_LEVEL, LONGEST_LEVEL, numberAt, PAGE_LENGTHS, pageOf, SECOND_LEVEL, stretchOf } from './page-lengths.js';
import { SeriesTimes } from './series-times.js';

/** A page that grows beyond so many points is given up, and shorter ones are asked for in its place. */
export const MAX_POINTS_PER_PAGE = 100_000;

const MAX_SERIES = 50_000;

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
      if (page.size > MAX_POINTS_PER_PAGE * 2 && isLong(page)) this.release(page);
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
   * start the longest that is free. No two pages overlap: time becomes unknown, but what was unknown stays so, and what
   * is not free once for a page never will be: `narrow` comes before the first page that is learned.
   */
  private open(times: SeriesTimes, milliseconds: number): Page | undefined {
    for (let level = milliseconds < this.since ? LONGEST_LEVEL : SECOND_LEVEL; level >= SECOND_LEVEL; level--) {
      const stretch = stretchOf(level, milliseconds);
      if (level > SECOND_LEVEL && stretch.end > this.since) continue;
      if (times.isFree(stretch)) return this.keep(times, level, pageOf(level, milliseconds));
    }
    return undefined;
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
      this.release(page);
      if (this.bytes <= this.maxBytes) return;
    }
  }

  /**
   * Gives a page up whose word holds. What lies before its first and behind its last point is still known to be free, so
   * that a load that goes on in the order of time has nothing to ask for.
   */
  private release(page: Page): void {
    this.evict(page, isLong(page) ? page.extent : page);
  }

  /** Gives a page up. @param unknown - where nobody can rely on what was known */
  private evict(page: Page, unknown: Stretch = page): void {
    this.pages.get(page)?.owner.unknown.add(unknown.start, unknown.end);
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

/** Of shorter pages there are too many for the stretches between them to be remembered. */
function isLong({ start, end }: Page): boolean {
  return end - start > PAGE_LENGTHS[SECOND_LEVEL];
}

function kindOf(series: Series): string {
  return `${series.namespace}\0${series.name}`;
}
