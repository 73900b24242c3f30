import { constants } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import type { TrackedEvent } from '../event.js';
import type { Clock } from './clock.js';
import { type Position, PositionFile } from './position.js';
import { inspect, linesBefore, putAside, readLines, type Segment, segmentPath, segmentsIn } from './segment.js';

export interface BufferLimits {
  /** How long events are kept that cannot be sent. Milliseconds. */
  readonly maxAge: number;
  /** How much room they may take. */
  readonly maxBytes: number;
}

/** Events that come next, and where those behind them begin. */
export interface Batch {
  readonly lines: readonly string[];
  readonly end: Position;
}

export interface BufferState {
  readonly events: number;
  readonly bytes: number;
  /** When the oldest of them was written, to within ten minutes. Milliseconds since 1970. */
  readonly oldest: number | undefined;
}

const SEGMENT_BYTES = 2 ** 20;
const SEGMENT_AGE = 600_000; // ms
const MAX_SEGMENTS_IN_FULL = 8;
const LOST = 'their file cannot be read any more';

/**
 * Events on disk until they are acknowledged.
 *
 * They are appended to a file and synced before `append` resolves. What a kill or a power cut leaves behind is the end of
 * the last file: a process goes on in a new one and leaves out what is not whole. A file goes when all of it has been
 * sent. A position that is lost only means that some are sent again, and they are samples, which count once.
 */
export class DiskBuffer {
  private readonly segments: Segment[] = [];
  private active: { readonly segment: Segment; readonly handle: FileHandle } | undefined;
  /** Events of the first segment that have been sent. */
  private sentOfFirst = 0;
  /** Whether a batch is being sent, so that it is not dropped under way. */
  private out = false;
  private position: Position;
  private turn: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly directory: string,
    private readonly limits: BufferLimits,
    private readonly clock: Clock,
    private readonly file: PositionFile,
    private readonly dropped: (events: number, reason: string) => void,
  ) {
    this.position = file.initial ?? { sequence: 0, offset: 0 };
  }

  /**
   * @param directory - that this process alone uses
   * @param dropped - told of events that were given up because there were too many or they were too old
   */
  static async open(
    directory: string,
    limits: BufferLimits,
    clock: Clock,
    dropped: (events: number, reason: string) => void = () => undefined,
  ): Promise<DiskBuffer> {
    const file = await PositionFile.open(directory);
    const buffer = new DiskBuffer(directory, limits, clock, file, dropped);
    await buffer.recover();
    return buffer;
  }

  private async recover(): Promise<void> {
    const found = await segmentsIn(this.directory);
    for (const segment of found) {
      const isSent = segment.sequence < this.position.sequence;
      if (!isSent && !(await inspect(this.directory, segment, segment === found.at(-1)))) {
        await putAside(this.directory, segment);
        this.dropped(segment.events, LOST);
        continue;
      }
      const sent = segment.sequence === this.position.sequence ? this.position.offset : 0;
      if (segment.bytes > sent) this.segments.push(segment);
      else await this.remove(segment);
    }
    const [first] = this.segments;
    const last = Math.max(this.position.sequence, found.at(-1)?.sequence ?? 0);
    if (first === undefined) this.position = { sequence: last + 1, offset: 0 };
    else if (first.sequence !== this.position.sequence) this.position = { sequence: first.sequence, offset: 0 };
    else this.sentOfFirst = await linesBefore(this.directory, first, this.position.offset);
  }

  get state(): BufferState {
    const all = this.segments.reduce((sum, { events }) => sum + events, 0);
    const bytes = this.segments.reduce((sum, segment) => sum + segment.bytes, 0);
    const events = all - this.sentOfFirst;
    return {
      events,
      bytes: bytes - (this.segments.length === 0 ? 0 : this.position.offset),
      oldest: events === 0 ? undefined : this.segments.find((segment) => segment.events > this.sent(segment))?.created,
    };
  }

  private sent(segment: Segment): number {
    return segment === this.segments[0] ? this.sentOfFirst : 0;
  }

  /**
   * Appends events and resolves when they are on disk. Where the disk is full, the oldest make room.
   * @throws Error where the disk takes them all the same not
   */
  append(events: readonly TrackedEvent[]): Promise<void> {
    return this.inTurn(async () => {
      await this.dropOld();
      if (events.length === 0) return;
      const content = Buffer.from(events.map((event) => `${JSON.stringify(event)}\n`).join(''));
      for (let attempt = 1; ; attempt++) {
        try {
          await this.write(content, events.length);
          return;
        } catch (error) {
          await this.closeActive();
          const full = (error as NodeJS.ErrnoException).code === 'ENOSPC' && attempt <= MAX_SEGMENTS_IN_FULL;
          if (!full || !(await this.dropFirst('the disk is full'))) throw error;
        }
      }
    });
  }

  private async write(content: Buffer, events: number): Promise<void> {
    const { segment, handle } = await this.activeFor(content.length);
    try {
      await handle.appendFile(content);
      await handle.datasync();
    } catch (error) {
      // What is there of them would stand before whatever comes next.
      await handle.truncate(segment.bytes).catch(() => undefined);
      throw error;
    }
    segment.bytes += content.length;
    segment.events += events;
  }

  /** The file to append to: the last one, or a new one where that is long or old. */
  private async activeFor(length: number): Promise<{ readonly segment: Segment; readonly handle: FileHandle }> {
    const { active } = this;
    const now = this.clock.now();
    if (active !== undefined) {
      const { bytes, created } = active.segment;
      const most = Math.min(SEGMENT_BYTES, this.limits.maxBytes / 4);
      if (bytes === 0 || (bytes + length <= most && Math.abs(now - created) < SEGMENT_AGE)) return active;
      await this.closeActive();
    }
    const last = this.segments.at(-1)?.sequence ?? this.position.sequence;
    const segment: Segment = { sequence: last + 1, created: Math.floor(now), bytes: 0, events: 0 };
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_APPEND;
    const handle = await open(segmentPath(this.directory, segment), flags, 0o600);
    this.active = { segment, handle };
    this.segments.push(segment);
    await this.syncDirectory();
    return this.active;
  }

  /** The events that come next, without those that were taken; undefined where there are none. */
  take(limits: { readonly events: number; readonly bytes: number }): Promise<Batch | undefined> {
    return this.inTurn(async () => {
      for (;;) {
        const [first] = this.segments;
        if (first === undefined) return undefined;
        const offset = first.sequence === this.position.sequence ? this.position.offset : 0;
        if (offset < first.bytes) {
          const { lines, end } = await readLines(this.directory, first, offset, limits);
          if (lines.length > 0) {
            this.out = true;
            return { lines, end: { sequence: first.sequence, offset: end } };
          }
          await this.giveUpFirst();
        } else if (first === this.active?.segment) return undefined;
        else await this.removeFirst();
      }
    });
  }

  /** The batch that was taken stays, to be taken again. */
  release(): void {
    this.out = false;
  }

  /** The events of the batch are done with, sent or set aside. Resolves when that is on disk. */
  advance({ lines, end }: Batch): Promise<void> {
    return this.inTurn(async () => {
      this.out = false;
      await this.file.write(end);
      this.position = end;
      this.sentOfFirst += lines.length;
      const [first] = this.segments;
      if (first !== undefined && first !== this.active?.segment && end.offset >= first.bytes) await this.removeFirst();
    });
  }

  private async dropOld(): Promise<void> {
    const oldest = this.clock.now() - this.limits.maxAge;
    // All of a segment was written before the next one was begun.
    while ((this.segments[1]?.created ?? Infinity) <= oldest) {
      if (!(await this.dropFirst('they were older than the buffer keeps'))) return;
    }
    while (this.segments.reduce((sum, { bytes }) => sum + bytes, 0) > this.limits.maxBytes) {
      if (!(await this.dropFirst('the buffer was full'))) return;
    }
  }

  private async dropFirst(reason: string): Promise<boolean> {
    const [first] = this.segments;
    if (first === undefined || first === this.active?.segment || this.out) return false;
    const events = first.events - this.sentOfFirst;
    await this.removeFirst();
    if (events > 0) this.dropped(events, reason);
    return true;
  }

  /** The first file is lost, and what is behind it must not wait. */
  private async giveUpFirst(): Promise<void> {
    const [first] = this.segments;
    if (first === this.active?.segment) await this.closeActive();
    if (first === undefined || first !== this.segments[0]) return;
    const events = first.events - this.sentOfFirst;
    await putAside(this.directory, first);
    await this.removeFirst();
    this.dropped(events, LOST);
  }

  private async removeFirst(): Promise<void> {
    const first = this.segments.shift();
    if (first === undefined) return;
    this.sentOfFirst = 0;
    this.position = { sequence: this.segments[0]?.sequence ?? first.sequence + 1, offset: 0 };
    await this.remove(first);
  }

  private remove(segment: Segment): Promise<void> {
    return rm(segmentPath(this.directory, segment), { force: true });
  }

  private async syncDirectory(): Promise<void> {
    const handle = await open(this.directory);
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }

  private async closeActive(): Promise<void> {
    const { active } = this;
    this.active = undefined;
    if (active === undefined) return;
    await active.handle.close().catch(() => undefined);
    if (active.segment.bytes > 0) return;
    this.segments.splice(this.segments.indexOf(active.segment), 1);
    await this.remove(active.segment);
  }

  close(): Promise<void> {
    return this.inTurn(async () => {
      await this.closeActive();
      await this.file.close();
    });
  }

  /** One at a time: what appends and what sends would otherwise meet in the list of files. */
  private inTurn<Result>(action: () => Promise<Result>): Promise<Result> {
    const result = this.turn.then(action);
    this.turn = result.catch(() => undefined);
    return result;
  }
}
