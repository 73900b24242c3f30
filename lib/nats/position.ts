import { TrackingError } from '../errors.js';
import type { Bucket, Entry } from './bucket.js';
import { endSince, eraOf, type Numbering, type Reached, sequenceNow } from './numbering.js';
import type { Session } from './stream.js';

/** How far the reader of a partition is, as the bucket has it; beside it stands what the store recorded. */
export interface PositionState {
  /** Of which numbering. */
  readonly generation: string;
  /** The era up to which its numbers are known to be true. */
  readonly seen: number;
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
   * @param own - how far this instance knows the partition to be written
   * @throws TrackingError `unavailable` where somebody else was faster
   */
  static async take(
    session: () => Session,
    partition: number,
    { holder, own }: { readonly holder: string; readonly own: Reached | undefined },
  ): Promise<Position> {
    const { writers: bucket, numbering } = session();
    const key = keyOf(partition);
    const found = await bucket.get(key);
    const before = found && decode(found.value);
    const { state, recorded } = continued(numbering, before, own);
    const revision = await bucket.replace(key, encode({ ...state, holder }, recorded), found?.revision ?? 0);
    if (revision === undefined) throw lost();
    return new Position(session, key, revision, { state: { ...state, holder }, recorded });
  }

  /** Whether the bucket has a position of the partition. */
  static async isKnown({ writers }: Session, partition: number): Promise<boolean> {
    return (await writers.get(keyOf(partition))) !== undefined;
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

  private async change(wanted: PositionState, recorded: Uint8Array | undefined): Promise<void> {
    const { writers, numbering } = this.session();
    const state = { ...wanted, seen: eraOf(numbering) };
    const value = encode(state, recorded);
    let revision = await writers.replace(this.key, value, this.revision);
    if (revision === undefined) {
      // A change of our own may have got no answer and have been made; or the whole bucket was lost, and nobody has
      // taken the partition since, for that would stand there.
      const found = await writers.get(this.key);
      if (found !== undefined && decode(found.value).state.holder !== this.state.holder) throw lost();
      revision = await writers.replace(this.key, value, found?.revision ?? 0);
      if (revision === undefined) throw lost();
    }
    this.revision = revision;
    this.current = { state, recorded };
  }
}

/**
 * Where to go on: where the position says, or further where we know of more, and nowhere behind the numbers that still
 * mean the same. A delivery that was begun and reaches beyond these cannot be repeated as it was.
 */
function continued(numbering: Numbering, before: Kept | undefined, own: Reached | undefined): Kept {
  const { generation } = numbering;
  const seen = eraOf(numbering);
  const old = before?.state.generation === generation ? before.state : undefined;
  const ours = own === undefined ? 0 : sequenceNow(numbering, own);
  const end = old === undefined ? 0 : endSince(numbering, old.seen);
  if (old !== undefined && old.last <= end && old.written >= ours) {
    return { state: { ...old, seen }, recorded: before?.recorded };
  }
  const written = Math.max(Math.min(old?.written ?? 0, end), ours);
  return { state: { generation, seen, holder: '', written, last: written, messages: 0 }, recorded: undefined };
}

/** How far each partition is written that has a position, in numbers of now. */
export async function writtenIn({ writers, numbering }: Session): Promise<Map<number, number>> {
  const entries = await writers.match('plan.*');
  return new Map(entries.map((entry) => [partitionIn(entry.key), sequenceNow(numbering, reachedIn(entry, 'written'))]));
}

/** The numbers that all positions know of. */
export async function reachedByPositions(writers: Bucket): Promise<Reached[]> {
  return (await writers.match('plan.*')).map((entry) => reachedIn(entry, 'last'));
}

function reachedIn({ value }: Entry, kind: 'written' | 'last'): Reached {
  const { state } = decode(value);
  return { generation: state.generation, era: state.seen, sequence: state[kind] };
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
  const state = JSON.parse(text) as Omit<PositionState, 'seen'> & { readonly seen?: number };
  return { state: { ...state, seen: state.seen ?? 0 }, recorded: end < 0 ? undefined : value.subarray(end + 1) };
}
