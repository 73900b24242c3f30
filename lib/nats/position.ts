import { TrackingError } from '../errors.js';
import type { Session } from './stream.js';

/** How far the reader of a partition is, as the bucket has it; beside it stands what the store recorded. */
export interface PositionState {
  /** Of which stream. */
  readonly generation: string;
  /** Grows where the server has lost messages that were read already, so that their numbers come again. */
  readonly era: number;
  /** A new one at each take-over. */
  readonly holder: string;
  /** Everything up to this sequence is in the store. */
  readonly written: number;
  /** Where the delivery ends that was begun behind it; equal to `written` where none was. */
  readonly last: number;
  /** How many messages that delivery has. */
  readonly messages: number;
}

interface Kept {
  readonly state: PositionState;
  readonly recorded: Uint8Array | undefined;
}

const NEWLINE = 10;

/**
 * The position of one partition. Every change names the revision it replaces, so that nobody who has lost the partition
 * can change it: to take over is to change it first.
 */
export class Position {
  private constructor(
    private readonly session: () => Session,
    private readonly key: string,
    private revision: number,
    private current: Kept,
  ) {}

  /**
   * Takes the position over from whoever had it.
   * @param session - gives the session of now, or throws where there is none
   * @throws TrackingError `unavailable` where somebody else was faster
   */
  static async take(session: () => Session, partition: number, holder: string): Promise<Position> {
    const { writers: bucket, generation, jsm, stream } = session();
    const key = keyOf(partition);
    const found = await bucket.get(key);
    const before = found && decode(found.value);
    let state: PositionState = { generation, era: 0, holder, written: 0, last: 0, messages: 0 };
    let recorded: Kept['recorded'];
    if (before?.state.generation === generation) {
      const { last_seq: end } = (await jsm.streams.info(stream)).state;
      if (end >= before.state.last) {
        state = { ...before.state, holder };
        recorded = before.recorded;
      } else {
        // A power cut has taken messages that were read already. Those to come get their numbers, and are others.
        const written = Math.min(before.state.written, end);
        state = { ...state, era: before.state.era + 1, written, last: written };
      }
    }
    const revision = await bucket.replace(key, encode(state, recorded), found?.revision ?? 0);
    if (revision === undefined) throw lost();
    return new Position(session, key, revision, { state, recorded });
  }

  get state(): PositionState {
    return this.current.state;
  }

  get recorded(): Uint8Array | undefined {
    return this.current.recorded;
  }

  /** Everything up to `written` is in the store, and a delivery of so many messages up to `last` begins. */
  begin(written: number, last: number, messages: number): Promise<void> {
    return this.change({ ...this.state, written, last, messages }, undefined);
  }

  /** Keeps what the store wants to know if the delivery is repeated. */
  record(plan: Uint8Array): Promise<void> {
    return this.change(this.state, plan);
  }

  /** Everything up to `written` is in the store, and nothing more was begun. */
  rest(written: number): Promise<void> {
    return this.change({ ...this.state, written, last: written, messages: 0 }, undefined);
  }

  private async change(state: PositionState, recorded: Uint8Array | undefined): Promise<void> {
    const value = encode(state, recorded);
    const { writers } = this.session();
    let revision = await writers.replace(this.key, value, this.revision);
    if (revision === undefined) {
      // A change of our own may have got no answer and have been made.
      const found = await writers.get(this.key);
      if (found === undefined || decode(found.value).state.holder !== this.state.holder) throw lost();
      revision = await writers.replace(this.key, value, found.revision);
      if (revision === undefined) throw lost();
    }
    this.revision = revision;
    this.current = { state, recorded };
  }
}

/** The positions of all partitions that have one. */
export async function positionsIn({ writers, generation }: Session): Promise<Map<number, PositionState>> {
  const entries = await writers.match('plan.*');
  const read = entries.map(({ key, value }): [number, PositionState] => [partitionIn(key), decode(value).state]);
  return new Map(read.filter(([, state]) => state.generation === generation));
}

/** Whether the error says that somebody else has the partition. */
export function isLost(error: unknown): boolean {
  return error instanceof TrackingError && error.message === LOST;
}

const LOST = 'Another instance has taken over this partition of the queue.';

function lost(): TrackingError {
  return new TrackingError('unavailable', LOST, { retryAfter: 5 });
}

function keyOf(partition: number): string {
  return `plan.${partition}`;
}

function partitionIn(key: string): number {
  return Number(key.slice(keyOf(0).length - 1));
}

/** A line of JSON, then what was recorded. */
function encode(state: PositionState, recorded: Uint8Array | undefined): Uint8Array {
  const plan = recorded === undefined ? [] : [Buffer.from('\n'), recorded];
  return Buffer.concat([Buffer.from(JSON.stringify(state)), ...plan]);
}

function decode(value: Uint8Array): Kept {
  const end = value.indexOf(NEWLINE);
  const text = Buffer.from(end < 0 ? value : value.subarray(0, end)).toString();
  return { state: JSON.parse(text) as PositionState, recorded: end < 0 ? undefined : value.subarray(end + 1) };
}
