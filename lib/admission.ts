import { TrackingError } from './errors.js';

/** Of all that may be pending, how much may be one sender's: none can shut the others out. */
const MAX_SHARE = 0.8;

/**
 * What bounds the memory: the bytes of all requests that are being read, inflated, or waiting for the store. Who enters
 * so many leaves with as many, whatever happens in between.
 *
 * A pending byte costs at most ten bytes of resident memory: measured with a store that hangs, 10,000 events a request as
 * NDJSON, 3 (16 long tags), 5 (no tags, also inflated), 6 (ids) and 8.5 (16 tags of one letter each); single events with
 * what is counted for each request, 3. The service itself takes 115 MB, and what its store needs.
 */
export class Admission {
  private pending = 0;
  private readonly pendingOf = new Map<string, number>();

  constructor(private readonly maxBytes: number) {}

  get pendingBytes(): number {
    return this.pending;
  }

  /**
   * @param sender - the application: none may fill all the room there is
   * @throws TrackingError `unavailable` where there is no room, `too-many-requests` where this sender has its share;
   *   then nothing entered
   */
  enter(bytes: number, sender: string): void {
    const own = (this.pendingOf.get(sender) ?? 0) + bytes;
    if (own > this.maxBytes * MAX_SHARE) throw refusal('too-many-requests', 'of this application ');
    if (this.pending + bytes > this.maxBytes) throw refusal('unavailable', '');
    this.pending += bytes;
    this.pendingOf.set(sender, own);
  }

  leave(bytes: number, sender: string): void {
    this.pending -= bytes;
    const own = (this.pendingOf.get(sender) ?? 0) - bytes;
    if (own > 0) this.pendingOf.set(sender, own);
    else this.pendingOf.delete(sender);
  }
}

function refusal(code: 'too-many-requests' | 'unavailable', whose: string): TrackingError {
  return new TrackingError(
    code,
    `More requests ${whose}are being read or wait for the store than may. Nothing of this request was stored.`,
    { retryAfter: 1 },
  );
}
