import { JetStreamApiError, type JetStreamManager } from '@nats-io/jetstream';
import { type Link, store } from './exchange.js';
import { isMissing, isNoRoom } from './failure.js';

const PIECES = 32;
const PIECE_BYTES = 16 * 1024;
/** Of the limit of an account it takes a tenth at most. */
const SHARE = 0.1;

/** How many pieces it has. @param limit - bytes that the account may store; nothing where it has no limit of its own */
export function piecesWithin(limit: number | undefined): number {
  return limit === undefined ? PIECES : Math.min(PIECES, Math.floor((limit * SHARE) / PIECE_BYTES));
}

/**
 * Room in NATS for what the readers of the queue note there, in a stream of its own. A JetStream that has reached its
 * limit refuses these notes too, and what the store has may only be removed from the queue once it is noted: it would
 * stay full for ever. So where a note is refused a piece of the reserve is removed, and put back when there is room.
 */
export class Reserve {
  private broken = false;

  /** @param pieces - 0 where there is no such stream */
  constructor(
    private readonly link: Link,
    private readonly jsm: JetStreamManager,
    private readonly stream: string,
    private readonly pieces: number,
  ) {}

  /** Whether a piece was removed, and perhaps is not back yet. */
  get isBroken(): boolean {
    return this.broken;
  }

  /** Writes what has to be noted, with room that is made for it where there is none. @throws as the work does */
  async note<Result>(work: () => Promise<Result>): Promise<Result> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await work();
      } catch (error) {
        if (!isNoRoom(error) || attempt >= this.pieces || !(await this.release())) throw error;
      }
    }
  }

  /** Puts back what is missing. @returns false where there is no room for all of it */
  async restore(): Promise<boolean> {
    const { max_payload = PIECE_BYTES } = this.link.nc.info ?? {};
    const piece = new Uint8Array(Math.min(PIECE_BYTES, Math.floor(max_payload / 2)));
    try {
      for (let missing = await this.missing(); missing > 0; missing--) await store(this.link, this.stream, piece);
    } catch (error) {
      if (isNoRoom(error)) {
        this.broken = true;
        return false;
      }
      if (!isMissing(error)) throw error;
    }
    this.broken = false;
    return true;
  }

  private async missing(): Promise<number> {
    if (this.pieces === 0) return 0;
    return this.pieces - (await this.jsm.streams.info(this.stream)).state.messages;
  }

  /** @returns false where there is no piece left */
  private async release(): Promise<boolean> {
    this.broken = true;
    try {
      const { state } = await this.jsm.streams.info(this.stream);
      if (state.messages === 0) return false;
      await this.jsm.streams.deleteMessage(this.stream, state.first_seq, false);
    } catch (error) {
      if (isMissing(error)) return false;
      // Another reader has removed this very piece.
      if (!(error instanceof JetStreamApiError)) throw error;
    }
    return true;
  }
}
