import type { Selection } from '../aggregation.js';
import { TrackingError } from '../errors.js';
import type { Point } from '../event.js';
import type { Delivery, Refusal } from '../store.js';
import { type Arrival, arrivalOf, identityKey, lineAt } from './arrival.js';
import type { Bucket } from './bucket.js';
import { lanesOf } from './lanes.js';
import type { Learning } from './learning.js';
import { Occupancy } from './occupancy.js';
import { nextPart } from './part.js';
import { FULL, place, placeAgain, type Placement, TOO_OLD } from './placement.js';
import { readPlan, writePlan } from './plan.js';
import type { Course, Sender } from './sender.js';
import { TOO_OLD_REASON } from './verdict.js';

const MILLISECOND_FULL =
  'its millisecond holds a million events of this series already, and InfluxDB can tell no more apart';
const TWIN_REFUSED = 'InfluxDB refuses an event of the same id beside it';

export interface WriterOptions {
  readonly learning: Learning;
  readonly sender: Sender;
  readonly rules: Bucket;
  /** That the knowledge of taken times may hold. */
  readonly maxBytes: number;
}

/**
 * Gives each event a nanosecond of its own within its millisecond, and writes it.
 *
 * InfluxDB keeps one point per series and nanosecond and silently overwrites, so a nanosecond must be known to be free
 * before it is used. One write at a time: what one has placed, the next has to know.
 *
 * One gap is left. The last write of a process that was killed may reach the files of InfluxDB after its successor has
 * asked what is there, if InfluxDB or a proxy holds a whole request for longer than a start and a question take. It then
 * overwrites what the successor has put on the very same nanosecond of the same series: another event without an id,
 * sent for the same nanosecond, or a later value of a sample. Events with an id start from its hash and repeated
 * deliveries from their plan, so these land on themselves. Nothing that InfluxDB answers tells whether such a write is
 * under way, not even a write behind it, which may overtake it; to wait would only make the gap narrower. The README
 * says so to operators.
 */
export class Writer {
  private occupancy: Occupancy | undefined;
  private since = Math.floor(Date.now() / 1000) * 1000;
  /** Of each partition of a queue. */
  private readonly tenures = new Map<string, string>();

  constructor(private readonly options: WriterOptions) {}

  /** What is kept of taken times. */
  get memory(): Occupancy['memory'] {
    return this.occupancy?.memory ?? { bytes: 0, pages: 0, series: 0 };
  }

  /**
   * See `Store.write`. With a delivery, where the points of a part go is recorded before any of them is sent; what was
   * recorded is sent there again, whatever else is known.
   */
  async write(points: readonly Point[], delivery?: Delivery): Promise<readonly Refusal[]> {
    if (delivery !== undefined) this.notice(delivery);
    const course = { begun: false, ...(delivery && { assertHeld: delivery.assertHeld }) };
    try {
      return await this.writeParts(points, delivery, course);
    } catch (error) {
      throw delivery === undefined ? withFate(error, course) : error;
    }
  }

  /** Forgets which times of the selected points are taken, as they are deleted. */
  forget(selection: Selection): void {
    this.occupancy?.forgetSelected(selection);
  }

  /** After a take-over nothing is known: others have written and deleted in between. */
  private notice({ partition, tenure }: Delivery): void {
    if (this.tenures.get(partition) === tenure) return;
    this.tenures.set(partition, tenure);
    this.occupancy = undefined;
    this.since = Math.floor(Date.now() / 1000) * 1000;
  }

  private async writeParts(
    points: readonly Point[],
    delivery: Delivery | undefined,
    course: Course,
  ): Promise<readonly Refusal[]> {
    const occupancy = await this.start();
    const plan = delivery?.recorded === undefined ? [] : readPlan(delivery.recorded);
    const refusals = [...(await this.repeat(occupancy, points.slice(0, plan.length), plan, course))];
    const horizon = await this.options.rules.horizon(points.slice(plan.length));
    for (let from = plan.length; from < points.length;) {
      const part = await nextPart(this.options.learning, occupancy, points, from, horizon);
      // Where nothing is written there is nothing to repeat; the next record tells of these points too.
      const record = async ({ nanoseconds }: Placement): Promise<void> => {
        if (delivery === undefined) return;
        for (const nanosecond of nanoseconds) plan.push(nanosecond);
        if (nanoseconds.some((nanosecond) => nanosecond >= 0)) await delivery.record(writePlan(plan));
      };
      for (const { index, reason } of await this.settle(occupancy, part, place(occupancy, part), course, record)) {
        refusals.push({ index: from + index, reason });
      }
      from += part.length;
    }
    return refusals;
  }

  private async start(): Promise<Occupancy> {
    const { learning, maxBytes } = this.options;
    this.occupancy ??= new Occupancy(this.since, await learning.pointsSince(this.since), maxBytes);
    return this.occupancy;
  }

  private async repeat(
    occupancy: Occupancy,
    points: readonly Point[],
    plan: readonly number[],
    course: Course,
  ): Promise<readonly Refusal[]> {
    const part = points.map((point) => arrivalOf(occupancy, point));
    return this.settle(occupancy, part, placeAgain(occupancy, part, plan), course);
  }

  /** Sends what has been placed. If that fails, what was known around it is not relied on any more. */
  private async settle(
    occupancy: Occupancy,
    part: readonly Arrival[],
    placement: Placement,
    course: Course,
    record?: (placement: Placement) => Promise<void>,
  ): Promise<readonly Refusal[]> {
    const { nanoseconds, used } = placement;
    try {
      await record?.(placement);
      const refusals = await this.send(part, nanoseconds, course);
      for (const { index } of refusals) forget(occupancy, part[index]);
      return [...placeless(nanoseconds), ...withTwins(part, refusals)];
    } catch (error) {
      for (const arrival of part) forget(occupancy, arrival);
      throw error;
    } finally {
      occupancy.settle(used);
    }
  }

  private async send(part: readonly Arrival[], nanoseconds: readonly number[], course: Course): Promise<Refusal[]> {
    const at = (index: number): string | undefined => {
      const arrival = part[index];
      return arrival && lineAt(arrival, nanoseconds[index] ?? FULL);
    };
    const lanes = lanesOf(part, nanoseconds).map((lane) => ({ keys: () => lane, at }));
    return this.options.sender.sendBeside(lanes, course);
  }
}

/** Says of the points of a write that failed what can be said: whether any of them may be stored. */
function withFate(error: unknown, { begun }: Course): unknown {
  if (!(error instanceof TrackingError) || error.code !== 'unavailable') return error;
  const { code, message, retryAfter } = error;
  const fate = begun ? 'Its events may be stored.' : 'Nothing of this request was stored.';
  return new TrackingError(code, `${message} ${fate}`, {
    ...(retryAfter === undefined ? {} : { retryAfter }),
    cause: error.cause ?? error,
  });
}

/** Those for which there is no nanosecond. */
function placeless(nanoseconds: readonly number[]): Refusal[] {
  const refusals: Refusal[] = [];
  for (const [index, nanosecond] of nanoseconds.entries()) {
    if (nanosecond === FULL) refusals.push({ index, reason: MILLISECOND_FULL });
    if (nanosecond === TOO_OLD) refusals.push({ index, reason: TOO_OLD_REASON });
  }
  return refusals;
}

function forget(occupancy: Occupancy, arrival: Arrival | undefined): void {
  if (arrival) occupancy.forget(arrival.times, arrival.moment.milliseconds);
}

/** With an event, those that were taken for it (of the same id) are refused too. */
function withTwins(part: readonly Arrival[], refusals: readonly Refusal[]): readonly Refusal[] {
  if (refusals.length === 0) return refusals;
  const refused = new Set(refusals.map(({ index }) => index));
  const keys = new Set([...refused].map((index) => keyAt(part, index)));
  const twins: Refusal[] = [];
  for (let index = 0; index < part.length; index++) {
    const key = keyAt(part, index);
    if (key !== undefined && keys.has(key) && !refused.has(index)) twins.push({ index, reason: TWIN_REFUSED });
  }
  return [...refusals, ...twins];
}

function keyAt(part: readonly Arrival[], index: number): string | undefined {
  const arrival = part[index];
  return arrival && identityKey(arrival);
}
