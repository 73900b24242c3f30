import type { Identity, Point } from '../event.js';
import type { Refusal } from '../store.js';
import { MILLISECOND, toMilliseconds } from '../time.js';
import type { Learning } from './learning.js';
import { lineOf } from './line-protocol.js';
import { Occupancy, PAGE_LENGTHS, type SeriesTimes } from './occupancy.js';
import { MILLISECOND_CAPACITY, type Page } from './page.js';
import type { Sender } from './sender.js';

/** Pages learned before some of what waits for them is written, so that memory stays within its bound. */
const MAX_PAGES_AT_ONCE = 64;

const FULL = 'its millisecond holds a million events of this series already, and InfluxDB can tell no more apart';
const TWIN_REFUSED = 'InfluxDB refuses an event of the same id beside it';

/** A point and where it belongs. */
interface Arrival {
  readonly point: Point;
  readonly times: SeriesTimes;
  /** Since 1970, rounded down. */
  readonly milliseconds: number;
  /** Within the millisecond. */
  readonly nanoseconds: number;
}

/** Arrivals with their lines; an arrival that is there already has none. */
interface Plan {
  readonly lines: string[];
  /** For each line, the index of its arrival. */
  readonly indexes: number[];
  readonly refusals: Refusal[];
  readonly used: Set<Page>;
}

/**
 * Gives each event a nanosecond of its own within its millisecond, and writes it.
 *
 * InfluxDB keeps one point per series and nanosecond and silently overwrites, so a nanosecond must be known to be free
 * before it is used. One write at a time: what one has placed, the next has to know.
 */
export class Writer {
  private occupancy: Occupancy | undefined;
  private readonly since = Math.floor(Date.now() / 1000) * 1000;

  constructor(
    private readonly learning: Learning,
    private readonly sender: Sender,
    private readonly maxBytes: number,
  ) {}

  /** What is kept of taken times. */
  get memory(): Occupancy['memory'] {
    return this.occupancy?.memory ?? { bytes: 0, pages: 0, series: 0 };
  }

  /** See `Store.write`. */
  async write(points: readonly Point[]): Promise<readonly Refusal[]> {
    const occupancy = await this.start();
    const refusals: Refusal[] = [];
    for (let from = 0; from < points.length;) {
      const part = await this.nextPart(occupancy, points, from);
      for (const { index, reason } of await this.writePart(occupancy, part)) {
        refusals.push({ index: from + index, reason });
      }
      from += part.length;
    }
    return refusals;
  }

  private async start(): Promise<Occupancy> {
    this.occupancy ??= new Occupancy(this.since, await this.learning.pointsSince(this.since), this.maxBytes);
    return this.occupancy;
  }

  /** The next points, as many as can be placed with what is known or learned now. */
  private async nextPart(occupancy: Occupancy, points: readonly Point[], from: number): Promise<Arrival[]> {
    const part: Arrival[] = [];
    const missing = new Missing();
    for (let index = from; index < points.length && missing.size < MAX_PAGES_AT_ONCE; index++) {
      const point = points[index];
      if (point === undefined) break;
      const arrival = arrivalOf(occupancy, point);
      part.push(arrival);
      missing.addIfUnknown(occupancy, arrival);
    }
    if (missing.size > 0) await this.learnAll(occupancy, part);
    return part;
  }

  private async learnAll(occupancy: Occupancy, part: readonly Arrival[]): Promise<void> {
    for (;;) {
      const missing = new Missing();
      for (const arrival of part) missing.addIfUnknown(occupancy, arrival);
      if (missing.size === 0) return;
      const wide = missing.notNarrowed();
      await allDone(
        wide.length > 0
          ? wide.map((several) => this.learning.narrow(several))
          : missing.pages().map(([times, milliseconds]) => this.learning.learn(occupancy, times, milliseconds)),
      );
    }
  }

  private async writePart(occupancy: Occupancy, part: readonly Arrival[]): Promise<readonly Refusal[]> {
    const plan = planOf(occupancy, part);
    try {
      const refused = plan.lines.length === 0 ? [] : await this.sender.send(plan.lines);
      const refusals = refused.map(({ index, reason }) => ({ index: plan.indexes[index] ?? 0, reason }));
      if (refusals.length === 0) return plan.refusals;
      for (const { index } of refusals) forget(occupancy, part[index]);
      return [...plan.refusals, ...withTwins(part, refusals)];
    } catch (error) {
      for (const arrival of part) forget(occupancy, arrival);
      throw error;
    } finally {
      occupancy.settle(plan.used);
    }
  }
}

/** What is unknown and has to be asked for before a part can be placed. */
class Missing {
  size = 0;
  private readonly bySeries = new Map<SeriesTimes, Map<number, number>>();

  addIfUnknown(occupancy: Occupancy, { point, times, milliseconds }: Arrival): void {
    // A sample stays at its exact time, whatever is there.
    if (point.identity.kind === 'sample' || occupancy.pageAt(times, milliseconds)) return;
    const pages = this.bySeries.get(times) ?? new Map<number, number>();
    this.bySeries.set(times, pages);
    const number = Math.floor(milliseconds / (PAGE_LENGTHS[times.level] ?? 1));
    if (!pages.has(number)) this.size++;
    pages.set(number, milliseconds);
  }

  /** Series whose points' first and last time have not been asked for, together where namespace and name are equal. */
  notNarrowed(): SeriesTimes[][] {
    const kinds = new Map<string, SeriesTimes[]>();
    for (const times of this.bySeries.keys()) {
      if (times.narrowed) continue;
      const kind = `${times.series.namespace}\0${times.series.name}`;
      const several = kinds.get(kind);
      if (several) several.push(times);
      else kinds.set(kind, [times]);
    }
    return [...kinds.values()];
  }

  pages(): [SeriesTimes, number][] {
    return [...this.bySeries].flatMap(([times, pages]) =>
      [...pages.values()].map((milliseconds): [SeriesTimes, number] => [times, milliseconds]),
    );
  }
}

function arrivalOf(occupancy: Occupancy, point: Point): Arrival {
  const milliseconds = toMilliseconds(point.time);
  return {
    point,
    times: occupancy.timesOf(point.series),
    milliseconds,
    nanoseconds: Number(point.time - BigInt(milliseconds) * MILLISECOND),
  };
}

function planOf(occupancy: Occupancy, part: readonly Arrival[]): Plan {
  const plan: Plan = { lines: [], indexes: [], refusals: [], used: new Set() };
  for (let index = 0; index < part.length; index++) {
    const arrival = part[index];
    if (arrival === undefined) break;
    const { point, times, milliseconds } = arrival;
    const { identity } = point;
    const page = occupancy.pageAt(times, milliseconds);
    if (page) plan.used.add(page);
    const nanoseconds = page ? placeIn(page, arrival) : arrival.nanoseconds;
    if (nanoseconds === undefined) continue;
    if (nanoseconds < 0) {
      plan.refusals.push({ index, reason: FULL });
      continue;
    }
    const fingerprint = identity.kind === 'id' ? identity.fingerprint : undefined;
    plan.lines.push(lineOf(times.prefix, point.value, fingerprint, milliseconds, nanoseconds));
    plan.indexes.push(index);
  }
  return plan;
}

/**
 * The nanosecond of an event within its millisecond; -1 where it is full, undefined where the event is there already.
 * One with an id starts from the id's hash, so that two processes that receive it at once tend to agree.
 */
function placeIn(page: Page, { point, milliseconds, nanoseconds }: Arrival): number | undefined {
  const { identity } = point;
  const millisecond = (milliseconds - page.start) * MILLISECOND_CAPACITY;
  if (identity.kind === 'sample') {
    page.take(millisecond + nanoseconds);
    return nanoseconds;
  }
  if (identity.kind === 'id' && page.knows(identity.fingerprint)) return undefined;
  const wanted = identity.kind === 'id' ? firstChoice(identity.fingerprint) : nanoseconds;
  const time = page.place(millisecond + wanted, millisecond);
  if (time < 0) return time;
  if (identity.kind === 'id') page.remember(identity.fingerprint);
  return time - millisecond;
}

function firstChoice(fingerprint: bigint): number {
  return Number(BigInt.asUintN(64, fingerprint) % MILLISECOND);
}

function forget(occupancy: Occupancy, arrival: Arrival | undefined): void {
  if (arrival) occupancy.forget(arrival.times, arrival.milliseconds);
}

/** With an event, those that were taken for it (of the same id) are refused too. */
function withTwins(part: readonly Arrival[], refusals: readonly Refusal[]): Refusal[] {
  const refused = new Set(refusals.map(({ index }) => index));
  const keys = new Set(refusals.map(({ index }) => identityKey(part[index])).filter((key) => key !== undefined));
  const twins: Refusal[] = [];
  for (let index = 0; index < part.length; index++) {
    const key = identityKey(part[index]);
    if (key !== undefined && keys.has(key) && !refused.has(index)) twins.push({ index, reason: TWIN_REFUSED });
  }
  return [...refusals, ...twins];
}

function identityKey(arrival: Arrival | undefined): string | undefined {
  const identity: Identity | undefined = arrival?.point.identity;
  if (arrival === undefined || identity?.kind !== 'id') return undefined;
  return `${String(identity.fingerprint)} ${arrival.times.series.key}`;
}

/** Waits for all, also after one has failed: none may go on learning while the next write places its points. */
async function allDone(tasks: readonly Promise<void>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(tasks)) {
    if (outcome.status === 'rejected') throw outcome.reason;
  }
}
