import { readFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BufferState } from './buffer.js';
import type { StatsDCounts } from './statsd.js';

/** What an operator wants to know of an agent. Times are RFC 3339. */
export interface AgentStatus {
  readonly running: boolean;
  readonly pid: number | null;
  readonly startedAt: string | null;
  readonly url: string | null;
  readonly lastSent: { readonly at: string; readonly events: number } | null;
  readonly buffered: { readonly events: number; readonly bytes: number; readonly oldest: string | null };
  /** Events since this buffer was made. */
  readonly totals: { readonly sent: number; readonly dropped: number; readonly refused: number };
  readonly statsd: StatsDCounts | null;
  readonly lastError: { readonly at: string; readonly message: string; readonly resolved: boolean } | null;
}

type Kept = Pick<AgentStatus, 'lastSent' | 'totals' | 'lastError'>;

const NOTHING: Kept = { lastSent: null, totals: { sent: 0, dropped: 0, refused: 0 }, lastError: null };

/** What has happened to the events of a buffer, kept beside it from one process to the next. */
export class History {
  private kept: Kept;

  constructor(private readonly directory: string) {
    this.kept = readKept(directory);
  }

  get state(): Kept {
    return this.kept;
  }

  sent(events: number, time: number): void {
    const { totals, lastError } = this.kept;
    this.kept = {
      lastSent: { at: textOf(time), events },
      totals: { ...totals, sent: totals.sent + events },
      lastError: lastError && { ...lastError, resolved: true },
    };
  }

  dropped(events: number): void {
    const { totals } = this.kept;
    this.kept = { ...this.kept, totals: { ...totals, dropped: totals.dropped + events } };
  }

  refused(events: number): void {
    const { totals } = this.kept;
    this.kept = { ...this.kept, totals: { ...totals, refused: totals.refused + events } };
  }

  failed(message: string, time: number): void {
    this.kept = { ...this.kept, lastError: { at: textOf(time), message, resolved: false } };
  }

  /** Not synced: after a power cut it may be older. */
  async save(): Promise<void> {
    const file = fileIn(this.directory);
    await writeFile(`${file}.new`, JSON.stringify(this.kept), { mode: 0o600 });
    await rename(`${file}.new`, file);
  }
}

function fileIn(directory: string): string {
  return join(directory, 'history.json');
}

function readKept(directory: string): Kept {
  try {
    return { ...NOTHING, ...(JSON.parse(readFileSync(fileIn(directory), 'utf8')) as Kept) };
  } catch {
    return NOTHING;
  }
}

export function textOf(time: number): string {
  return new Date(time).toISOString();
}

/** The status of what waits in a buffer. */
export function bufferedIn({ events, bytes, oldest }: BufferState): AgentStatus['buffered'] {
  return { events, bytes, oldest: oldest === undefined ? null : textOf(oldest) };
}

/** For people. */
export function describeStatus(status: AgentStatus): string {
  const { running, pid, startedAt, url, lastSent, buffered, totals, statsd, lastError } = status;
  const count = (number: number, what: string): string => `${number.toLocaleString('en')} ${what}`;
  const state = running ? `yes, process ${String(pid)} since ${String(startedAt)}, to ${String(url)}` : 'no';
  const error = lastError && `${lastError.at} ${lastError.message}${lastError.resolved ? ' (sent since)' : ''}`;
  const rows = [
    ['running', state],
    ['last sent', lastSent === null ? 'never' : `${lastSent.at}, ${count(lastSent.events, 'events')}`],
    ['buffered', `${count(buffered.events, 'events')}, ${count(buffered.bytes, 'bytes')}`],
    // Of the file that it is in, which takes what comes for ten minutes.
    ['oldest', buffered.oldest === null ? 'none' : `${buffered.oldest}, or up to ten minutes later`],
    ['sent', count(totals.sent, 'events')],
    ['dropped', count(totals.dropped, 'events')],
    ['refused', count(totals.refused, 'events')],
    ...(statsd === null
      ? []
      : [['statsd', `${count(statsd.lines, 'lines')}, ${statsd.malformed} malformed, ${statsd.beyond} left out`]]),
    ['last error', error ?? 'none'],
  ];
  // What a server said of an error may hold anything, and a terminal obeys some of it.
  return rows.map(([name = '', value = '']) => `${name.padEnd(12)}${value.replace(/\p{Cc}/gu, ' ')}`).join('\n');
}
