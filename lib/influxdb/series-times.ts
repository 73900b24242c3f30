import type { Series } from '../event.js';
import { Intervals, type Stretch } from './intervals.js';
import { linePrefix } from './line-protocol.js';
import type { Page } from './page.js';
import { DAY_LEVEL, levelOf, LONGEST_LEVEL, PAGE_LENGTHS, pageKey } from './page-lengths.js';

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
  private givenUp: Stretch | undefined;

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

  /** Whether a stretch of time is known to be free of points. */
  isFree({ start, end }: Stretch): boolean {
    return !this.unknown.meets(start, end);
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
