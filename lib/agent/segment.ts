import { type FileHandle, open, readdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';

/** A file of the buffer: events, one a line, in the order in which they were written. */
export interface Segment {
  /** Counts up from one file to the next. */
  readonly sequence: number;
  /** When it was begun. Milliseconds since 1970. */
  readonly created: number;
  /** Of whole lines; what stands behind them was never whole. */
  bytes: number;
  events: number;
}

const NAME = /^events-(\d{12})-(\d{1,16})\.ndjson$/;
const NEWLINE = 0x0a;

export function segmentPath(directory: string, { sequence, created }: Pick<Segment, 'sequence' | 'created'>): string {
  return join(directory, `events-${String(sequence).padStart(12, '0')}-${created}.ndjson`);
}

/** The files of a directory in their order, none of them looked into. */
export async function segmentsIn(directory: string): Promise<Segment[]> {
  const found = (await readdir(directory)).flatMap((name) => segmentNamed(name) ?? []);
  return found.sort((one, other) => one.sequence - other.sequence);
}

/** What a file of this name is; undefined for others. */
function segmentNamed(name: string): Segment | undefined {
  const [, sequence, created] = NAME.exec(name) ?? [];
  if (sequence === undefined || created === undefined) return undefined;
  return { sequence: Number(sequence), created: Number(created), bytes: 0, events: 0 };
}

/**
 * Looks through a file that an earlier process wrote.
 * @param last - whether it was the last one: only there the end can be what was not on disk when the machine stopped
 * @returns whether it can be read
 */
export async function inspect(directory: string, segment: Segment, last: boolean): Promise<boolean> {
  const content = await unlessLost(readFile(segmentPath(directory, segment)));
  if (content === undefined) return false;
  for (
    let start = 0, end = content.indexOf(NEWLINE);
    end >= 0;
    start = end + 1, end = content.indexOf(NEWLINE, start)
  ) {
    if (last && !isJson(content.toString('utf8', start, end))) break;
    segment.bytes = end + 1;
    segment.events++;
  }
  return true;
}

/** What was read; undefined where the file is gone, or the disk cannot give it any more. */
async function unlessLost<Read>(reading: Promise<Read>): Promise<Read | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (['ENOENT', 'EIO'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

/** Takes a file that is lost out of the buffer, and leaves it there for whoever can read it. */
export async function putAside(directory: string, segment: Segment): Promise<void> {
  const path = segmentPath(directory, segment);
  await rename(path, `${path}.unreadable`).catch(() => undefined);
}

function isJson(line: string): boolean {
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}

/** How many whole lines stand before a place in a file. */
export async function linesBefore(directory: string, segment: Segment, offset: number): Promise<number> {
  const content = await readFile(segmentPath(directory, segment));
  let count = 0;
  for (let end = content.indexOf(NEWLINE); end >= 0 && end < offset; end = content.indexOf(NEWLINE, end + 1)) count++;
  return count;
}

export interface Lines {
  readonly lines: readonly string[];
  /** Where the line behind them begins. */
  readonly end: number;
}

/** Whole lines from a place on, at most so many and of so many bytes, and one at least; none where they are lost. */
export async function readLines(
  directory: string,
  segment: Segment,
  offset: number,
  { events, bytes }: { readonly events: number; readonly bytes: number },
): Promise<Lines> {
  const handle = await unlessLost(open(segmentPath(directory, segment)));
  if (handle === undefined) return { lines: [], end: offset };
  try {
    let content = await readAt(handle, offset, Math.min(bytes, segment.bytes - offset));
    // A line longer than all that may be sent at once has to be seen whole as well.
    if (!content.includes(NEWLINE)) content = await readAt(handle, offset, segment.bytes - offset);
    return linesIn(content, offset, events);
  } finally {
    await handle.close();
  }
}

async function readAt(handle: FileHandle, offset: number, length: number): Promise<Buffer> {
  const content = Buffer.allocUnsafe(length);
  const read = await unlessLost(handle.read(content, 0, length, offset));
  return content.subarray(0, read?.bytesRead ?? 0);
}

function linesIn(content: Buffer, offset: number, most: number): Lines {
  const lines: string[] = [];
  let start = 0;
  for (let end = content.indexOf(NEWLINE); end >= 0 && lines.length < most; end = content.indexOf(NEWLINE, start)) {
    lines.push(content.toString('utf8', start, end));
    start = end + 1;
  }
  return { lines, end: offset + start };
}
