import type { Point } from '../event.js';
import { messageOf } from '../errors.js';
import type { Connection } from './connection.js';
import { readPage, type StoredMessage } from './exchange.js';
import { decodeDeletion, decodePoints, type DeletionOrder } from './messages.js';
import { KIND } from './publisher.js';
import { type Session, subjectOf } from './stream.js';

/** A message of a partition, as it was published. */
export type Queued = { readonly sequence: number } & (
  | { readonly points: readonly Point[]; readonly deletion?: undefined }
  | { readonly deletion: DeletionOrder; readonly points?: undefined }
);

const PAGE_BYTES = 256 * 1024;
const PAGE_MESSAGES = 1000;
const PURGE_PAUSE = 5000;

/** Reads the messages of one partition in their order, and removes them. */
export class PartitionReader {
  private purgedAt = performance.now();
  private purgedTo = 0;

  /** @param session - gives the session of now, or throws where there is none */
  constructor(
    private readonly partition: number,
    private readonly connection: Connection,
    private readonly session: () => Session,
  ) {}

  /** The next messages from a sequence on, some MiB at most; none where there are none yet. */
  async read(from: number): Promise<Queued[]> {
    const session = this.session();
    const { stream } = session;
    const { messages } = await readPage(session, stream, {
      seq: from,
      next_by_subj: subjectOf(stream, this.partition),
      batch: PAGE_MESSAGES,
      max_bytes: PAGE_BYTES,
    });
    const last = messages.at(-1)?.sequence;
    if (last !== undefined) this.connection.saw(session, last);
    return messages.map((message) => decode(stream, message));
  }

  /** All messages from one sequence to another that are there. */
  async readTo(from: number, last: number): Promise<Queued[]> {
    const found: Queued[] = [];
    for (let next = from; next <= last;) {
      const page = await this.read(next);
      const end = page.at(-1);
      if (end === undefined) break;
      found.push(...page.filter(({ sequence }) => sequence <= last));
      next = end.sequence + 1;
    }
    return found;
  }

  /** Whether the stream's leader has the message; a replica may be behind it. */
  async holds(sequence: number): Promise<boolean> {
    const { jsm, stream } = this.session();
    return (await jsm.streams.getMessage(stream, { seq: sequence })) !== null;
  }

  /**
   * Removes all messages up to a sequence; now and then, for a call costs more than it frees, or now, as where room is
   * wanted. Not where the stream is no longer the one that the number is about.
   */
  async purge(last: number, when: 'now' | 'at times' = 'at times'): Promise<void> {
    if (last <= this.purgedTo) return;
    const session = this.session();
    const { reserve } = session;
    if (when === 'at times' && !reserve.isBroken && performance.now() - this.purgedAt < PURGE_PAUSE) return;
    if (!(await this.connection.confirm(session))) return;
    const { jsm, stream } = session;
    this.purgedAt = performance.now();
    await jsm.streams.purge(stream, { filter: subjectOf(stream, this.partition), seq: last + 1 });
    this.purgedTo = last;
    if (reserve.isBroken) await reserve.restore();
  }
}

function decode(stream: string, { sequence, headers, data }: StoredMessage): Queued {
  try {
    const kind = headers.get(KIND);
    if (kind === 'points') return { sequence, points: decodePoints(data) };
    if (kind === 'deletion') return { sequence, deletion: decodeDeletion(data) };
    throw new Error(`its kind is "${kind}"`);
  } catch (error) {
    throw new Error(
      `Message ${sequence} of the stream ${stream} is none that this version knows (${messageOf(error)}). Nothing behind it is read until it is removed: nats stream rmm ${stream} ${sequence}`,
      { cause: error },
    );
  }
}
