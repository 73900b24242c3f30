import type { DuckDBConnection } from '@duckdb/node-api';
import type { Nanoseconds } from '../time.js';
import type { Batch } from './batch.js';
import { storedFingerprint, hashOf, PAGE_LENGTH, PAGE_SQL, pageOf } from './fingerprint.js';
import { HashSet } from './hash-set.js';
import { bindings, type Columns, literal, rowsOf, type Statement } from './rows.js';

/** Points of old pages that one write may learn; about those in further pages it asks the table. */
const LEARNED_AT_ONCE = 200_000;

/** Pages that are learned together: old events seldom come alone, and one scan costs what the next would. */
const NEIGHBOURS = 16;
/** Of so many pages at once the neighbours are left alone: what lies scattered over centuries has none to come. */
const SCATTERED = 256;

/** What a page takes beside its hashes, in slots of four bytes. */
const OVERHEAD = 64;

/**
 * Which identities may be there already. For each page of time that is known it keeps a 32-bit hash of every identity
 * in it: what is not among them is new, and costs no question. What is (one in a thousand by chance, all of a resend)
 * the writer looks up in the table itself, by series, time and fingerprint. So a hash too many, from a write that
 * failed or of a point deleted since, does no harm.
 *
 * Pages after the newest point at the start are known to be empty: live traffic never asks. Older ones are learned when
 * an identity first falls into them, all those of a write together (3 M points: 500 pages in 50 ms), and the least
 * recently used are forgotten.
 */
export class KnownIdentities {
  /** The least recently used first. */
  private readonly pages = new Map<number, HashSet>();
  private latest: { readonly page: number; readonly hashes: HashSet } | undefined;
  /** Pages from here on that have no set are empty. */
  private emptyFrom: number;
  private slots = 0;

  /** @param capacity - slots of four bytes, of which three eighths to three quarters are in use */
  constructor(
    newest: Nanoseconds | undefined,
    private readonly capacity: number,
  ) {
    this.emptyFrom = newest === undefined ? -Infinity : pageOf(newest) + 1;
  }

  /** The indexes of the points whose identity may be there already; those of the others are known from now on. */
  async suspects(batch: Batch, connection: DuckDBConnection): Promise<number[]> {
    const unknown = this.unknownPages(batch);
    if (unknown.length > 0) await this.learn(unknown, connection);

    const suspects: number[] = [];
    batch.points.forEach(({ time, identity }, index) => {
      if (identity.kind === 'none') return;
      const hash = hashOf(batch.seriesAt(index).id, time, storedFingerprint(identity));
      const page = pageOf(time);
      if (!this.isKnown(page) || !this.add(page, hash)) suspects.push(index);
    });
    this.forget();
    return suspects;
  }

  private unknownPages(batch: Batch): number[] {
    const unknown = new Set<number>();
    for (const { time, identity } of batch.points) {
      const page = pageOf(time);
      if (identity.kind !== 'none' && !this.isKnown(page)) unknown.add(page);
    }
    if (unknown.size > SCATTERED) return [...unknown];
    for (const page of [...unknown]) {
      const first = page - (page & (NEIGHBOURS - 1));
      for (let near = first; near < first + NEIGHBOURS; near++) {
        if (!this.isKnown(near)) unknown.add(near);
      }
    }
    return [...unknown];
  }

  private isKnown(page: number): boolean {
    return page >= this.emptyFrom || this.pages.has(page);
  }

  private add(page: number, hash: number): boolean {
    const hashes = this.use(page);
    const before = hashes.capacity;
    const isNew = hashes.add(hash);
    this.slots += hashes.capacity - before;
    return isNew;
  }

  /** The hashes of a page, which is the one most recently used from now on. */
  private use(page: number): HashSet {
    if (this.latest?.page === page) return this.latest.hashes;
    let hashes = this.pages.get(page);
    if (hashes === undefined) {
      hashes = new HashSet();
      this.slots += OVERHEAD;
    } else {
      this.pages.delete(page);
    }
    this.pages.set(page, hashes);
    this.latest = { page, hashes };
    return hashes;
  }

  /** Learns the pages that hold the least, as many as one write may. */
  private async learn(unknown: readonly number[], connection: DuckDBConnection): Promise<void> {
    const { sql, lists } = identitiesIn(unknown, `${PAGE_SQL} AS page, count(*)::DOUBLE`);
    const counts = await rowsOf(connection, `${sql} GROUP BY page ORDER BY 2`, lists);
    const empty = new Set(unknown);
    const chosen: number[] = [];
    let points = 0;
    for (const [number, count] of counts as [number, number][]) {
      empty.delete(number);
      points += count;
      if (points <= (chosen.length === 0 ? this.capacity / 4 : LEARNED_AT_ONCE)) chosen.push(number);
    }
    for (const number of empty) this.use(number);
    if (chosen.length === 0) return;
    try {
      await this.load(chosen, connection);
    } catch (error) {
      // Half a page must not pass for a whole one: what it lacks would be written again.
      for (const number of chosen) this.drop(number);
      throw error;
    }
  }

  private async load(pages: readonly number[], connection: DuckDBConnection): Promise<void> {
    const { sql, lists } = identitiesIn(pages, 'time, series, fingerprint');
    const answer = await connection.stream(sql, ...bindings(lists));
    for (
      let chunk = await answer.fetchChunk();
      chunk !== null && chunk.rowCount > 0;
      chunk = await answer.fetchChunk()
    ) {
      const [times = [], series = [], fingerprints = []]: Columns = chunk.getColumns();
      times.forEach((time, row) => {
        const hash = hashOf(series[row] as number, time as bigint, fingerprints[row] as bigint);
        this.add(pageOf(time as bigint), hash);
      });
    }
  }

  private forget(): void {
    for (const page of this.pages.keys()) {
      if (this.slots <= this.capacity) return;
      this.drop(page);
    }
  }

  private drop(page: number): void {
    const hashes = this.pages.get(page);
    if (hashes === undefined) return;
    this.pages.delete(page);
    this.slots -= hashes.capacity + OVERHEAD;
    this.emptyFrom = Math.max(this.emptyFrom, page + 1);
    if (this.latest?.page === page) this.latest = undefined;
  }
}

/** Asks for columns of the identities in some pages. */
function identitiesIn(pages: readonly number[], columns: string): Statement {
  const least = pages.reduce((one, other) => Math.min(one, other));
  const greatest = pages.reduce((one, other) => Math.max(one, other));
  return {
    sql: `
      SELECT ${columns} FROM points
      WHERE fingerprint IS NOT NULL
        AND time >= ${literal(BigInt(least) * PAGE_LENGTH)} AND time < ${literal(BigInt(greatest + 1) * PAGE_LENGTH)}
        AND ${PAGE_SQL} IN (SELECT unnest($pages))`,
    lists: { pages },
  };
}
