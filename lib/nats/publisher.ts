import { hash } from 'node:crypto';
import { TrackingError } from '../errors.js';
import type { Point } from '../event.js';
import type { Connection } from './connection.js';
import { type BatchMessage, store, storeBatch } from './exchange.js';
import { failureOf, isNobody, isNoRoom, noRoom, RETRY_AFTER } from './failure.js';
import { encodePoints, type MessageLimits } from './messages.js';
import type { Reserve } from './reserve.js';
import { PARTITIONS, type Session, subjectOf } from './stream.js';

/** Tells a deletion from points. */
export const KIND = 'Tracking-Kind';
/** How many events a message holds, for those who count them without reading. */
export const EVENTS = 'Tracking-Events';

/** So that what was read ahead stays small. */
const MAX_MESSAGE_BYTES = 256 * 1024;
/** For headers, and what stands around the events. */
const HEADER_BYTES = 1024;
const MAX_MESSAGES = 1000; // of an atomic batch
const NO_ROOM_REMEMBERED = 10_000;
/** Milliseconds between two looks at whether there is room again. */
const LOOK_PAUSE = 1000;

/** What became of a request that failed: the one where NATS may have it, the other where it has not. */
interface Fate {
  readonly unknown: string;
  readonly nothing: string;
}

const NOTHING_STORED = 'Nothing of this request was stored.';
const OF_EVENTS: Fate = { unknown: 'Its events may be stored.', nothing: NOTHING_STORED };
const OF_DELETION: Fate = {
  unknown: 'The deletion may be in the queue, and be carried out.',
  nothing: 'Nothing was deleted.',
};

/** Events in a message, or in a delivery of several: what is recorded for them has to fit into a message too. */
export function maxEvents({ nc }: Session): number {
  return Math.max(1, Math.min(20_000, Math.floor(((nc.info?.max_payload ?? 1_048_576) - HEADER_BYTES) / 48)));
}

/** The partition of a namespace: the same for every instance, for ever. */
export function partitionOf(namespace: string): number {
  return hash('sha256', namespace, 'buffer').readUInt32BE() % PARTITIONS;
}

/** Puts messages into the stream. */
export class Publisher {
  private refusedForRoomAt = -Infinity;
  private lookedAt = -Infinity;
  private looking: Promise<boolean> | undefined;

  constructor(private readonly connection: Connection) {}

  /** Whether the stream has lately refused for want of room. */
  get lacksRoom(): boolean {
    return performance.now() - this.refusedForRoomAt < NO_ROOM_REMEMBERED;
  }

  /**
   * Resolves once all points are in the stream: in one message, or in one atomic batch. Nothing is sent twice, for what
   * got no answer may be there.
   * @throws TrackingError `unavailable`; `too-large` where NATS does not take so much at once: then nothing is there
   */
  async publish(points: readonly Point[]): Promise<void> {
    if (points.length === 0) return;
    const { session } = this.connection;
    const messages = messagesOf(session, points);
    if (messages.length > MAX_MESSAGES) {
      throw new TrackingError(
        'too-large',
        `These events need ${messages.length} messages, and NATS takes ${MAX_MESSAGES} at once: raise its max_payload. ${NOTHING_STORED}`,
      );
    }
    await this.send(session, messages, OF_EVENTS);
  }

  /** Puts a deletion in line behind everything that its partition holds. @throws TrackingError `unavailable` */
  async order(namespace: string, data: Uint8Array): Promise<void> {
    const { session } = this.connection;
    const subject = subjectOf(session.stream, partitionOf(namespace));
    await this.send(session, [{ subject, data, headers: { [KIND]: 'deletion', [EVENTS]: '0' } }], OF_DELETION);
  }

  private async send(session: Session, messages: readonly BatchMessage[], fate: Fate): Promise<void> {
    const [first] = messages;
    const hasRoom = await this.mayTakeRoom(session).catch((error: unknown) => {
      throw failureOf(error, fate.nothing);
    });
    if (!hasRoom) throw lacksRoom(fate);
    try {
      const last =
        first !== undefined && messages.length === 1
          ? await store(session, first.subject, first.data, first.headers)
          : await storeBatch(session, messages);
      this.connection.saw(session, last);
      this.refusedForRoomAt = -Infinity;
    } catch (error) {
      if (isNoRoom(error)) this.refusedForRoomAt = this.lookedAt = performance.now();
      if (isNobody(error)) this.connection.renew(session.nc);
      throw failureOf(error, isNoRoom(error) || isNobody(error) ? fate.nothing : fate.unknown);
    }
    // Tells the readers of the partitions; where it is lost, they look a little later.
    for (const subject of new Set(messages.map((message) => message.subject))) {
      session.nc.publish(subject.replace('.events.', '.wake.'));
    }
  }

  /**
   * Where NATS was full, the room that there is goes to the readers, who make more of it: nothing is sent before their
   * reserve is whole again.
   */
  private async mayTakeRoom({ reserve }: Session): Promise<boolean> {
    if (!this.lacksRoom && !reserve.isBroken) return true;
    if (this.looking === undefined && performance.now() - this.lookedAt < LOOK_PAUSE) return false;
    this.looking ??= this.look(reserve).finally(() => (this.looking = undefined));
    return this.looking;
  }

  private async look(reserve: Reserve): Promise<boolean> {
    this.lookedAt = performance.now();
    const isWhole = await reserve.restore();
    if (!isWhole) this.refusedForRoomAt = performance.now();
    return isWhole;
  }
}

function lacksRoom({ nothing }: Fate): TrackingError {
  return new TrackingError('unavailable', `${noRoom('what it has goes to the store first')} ${nothing}`, {
    retryAfter: RETRY_AFTER,
  });
}

function messagesOf(session: Session, points: readonly Point[]): BatchMessage[] {
  const parted = new Map<number, Point[]>();
  const known = new Map<string, number>();
  for (const point of points) {
    const { namespace } = point.series;
    let partition = known.get(namespace);
    if (partition === undefined) known.set(namespace, (partition = partitionOf(namespace)));
    const own = parted.get(partition);
    if (own === undefined) parted.set(partition, [point]);
    else own.push(point);
  }
  const limits: MessageLimits = {
    maxBytes: Math.min(MAX_MESSAGE_BYTES, (session.nc.info?.max_payload ?? MAX_MESSAGE_BYTES) - HEADER_BYTES),
    maxEvents: maxEvents(session),
  };
  return [...parted].flatMap(([partition, own]) =>
    encodePoints(own, limits).map(({ data, events }) => ({
      subject: subjectOf(session.stream, partition),
      data,
      headers: { [KIND]: 'points', [EVENTS]: String(events) },
    })),
  );
}
