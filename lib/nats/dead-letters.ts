import { hash } from 'node:crypto';
import { fingerprintOf, type Identity, type Point, seriesOf, type TrackedEvent } from '../event.js';
import type { DeadLetter, DeadLetterPage, DeadLetters } from '../queue.js';
import type { Refusal } from '../store.js';
import { formatNanoseconds, formatTime, MILLISECOND, type Nanoseconds } from '../time.js';
import type { Entry } from './bucket.js';
import type { Connection } from './connection.js';
import { failureOf } from './failure.js';
import { identityIn, identityText } from './messages.js';

/** Points of a delivery that the store will never take. */
export interface RefusedPoints {
  readonly partition: string;
  readonly sequence: number;
  readonly points: readonly Point[];
  readonly refusals: readonly Refusal[];
}

interface Value extends Omit<DeadLetter, 'id'> {
  /** Nanoseconds since 1970. */
  readonly time: string;
  readonly identity: string;
}

const AT_ONCE = 100;
const UNTOUCHED = 'No dead letter was changed.';
const ID = /^[\w-]+$/;

/** Dead letters in a bucket of NATS, under keys that are the same when a delivery is repeated. */
export class NatsDeadLetters implements DeadLetters {
  /** @param publish - durable when it resolves */
  constructor(
    private readonly connection: Connection,
    private readonly publish: (points: readonly Point[]) => Promise<void>,
  ) {}

  /** Resolved means durable. @throws TrackingError `unavailable` */
  async keep({ partition, sequence, points, refusals }: RefusedPoints): Promise<void> {
    const refusedAt = new Date().toISOString();
    for (let start = 0; start < refusals.length; start += AT_ONCE) {
      await Promise.all(
        refusals.slice(start, start + AT_ONCE).map(async ({ index, reason }) => {
          const point = points[index];
          if (point === undefined) throw new Error(`the store refuses point ${index} of ${points.length}`);
          await this.bucket.put(`${partition}-${sequence}-${index}`, JSON.stringify(valueOf(point, reason, refusedAt)));
        }),
      );
    }
  }

  count(): Promise<number> {
    return this.attempt(() => this.bucket.count());
  }

  page(limit: number, cursor?: string): Promise<DeadLetterPage> {
    return this.attempt(async () => {
      const [from, last] = cursor?.split('-').map(Number) ?? [1, await this.bucket.latest()];
      const found = await this.bucket.from(from ?? 1, limit);
      const entries = found.filter(({ revision }) => revision <= (last ?? 0));
      const end = entries.at(-1)?.revision ?? 0;
      // Fewer than were asked for may be a page that the server cut.
      const more = entries.length > 0 && entries.length === found.length && end < (last ?? 0);
      return { letters: entries.map(letterIn), ...(more ? { next: `${end + 1}-${last ?? 0}` } : {}) };
    });
  }

  find(id: string): Promise<DeadLetter | undefined> {
    return this.attempt(async () => {
      const entry = await this.entry(id);
      return entry && letterIn(entry);
    });
  }

  /** An event without an identity gets one from its key: twice retried, it counts once. */
  retry(id: string): Promise<boolean> {
    return this.attempt(async () => {
      const entry = await this.entry(id);
      if (entry === undefined) return false;
      await this.publish([pointIn(entry)]);
      await this.bucket.remove(id);
      return true;
    });
  }

  drop(id: string): Promise<boolean> {
    return this.attempt(async () => {
      if ((await this.entry(id)) === undefined) return false;
      await this.bucket.remove(id);
      return true;
    });
  }

  private get bucket() {
    return this.connection.session.deadLetters;
  }

  private entry(id: string): Promise<Entry | undefined> {
    return ID.test(id) ? this.bucket.get(id) : Promise.resolve(undefined);
  }

  private async attempt<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      throw failureOf(error, UNTOUCHED);
    }
  }
}

function valueOf({ series, time, value, identity }: Point, reason: string, refusedAt: string): Value {
  const { namespace, name, tags } = series;
  const timed = { namespace, name, timestamp: exactTime(time), value };
  const event: TrackedEvent = Object.keys(tags).length === 0 ? timed : { ...timed, tags };
  return { event, reason, refusedAt, time: String(time), identity: identityText(identity) };
}

function parse({ value }: Entry): Value {
  return JSON.parse(Buffer.from(value).toString()) as Value;
}

function letterIn(entry: Entry): DeadLetter {
  const { event, reason, refusedAt } = parse(entry);
  return { id: entry.key, event, reason, refusedAt };
}

function pointIn(entry: Entry): Point {
  const { event, time, identity } = parse(entry);
  const own = identityIn(identity);
  return {
    series: seriesOf(event.namespace, event.name, event.tags),
    time: BigInt(time),
    value: event.value,
    identity: own.kind === 'none' ? identityOfKey(entry.key) : own,
  };
}

function identityOfKey(key: string): Identity {
  return { kind: 'id', fingerprint: fingerprintOf(hash('sha256', key, 'buffer').readBigInt64BE()) };
}

/** RFC 3339, to the nanosecond where it has such digits. */
function exactTime(time: Nanoseconds): string {
  return time % MILLISECOND === 0n ? formatTime(time) : formatNanoseconds(time);
}
