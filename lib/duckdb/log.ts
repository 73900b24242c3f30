import { existsSync, readFileSync, statSync } from 'node:fs';
import { damaged } from './failure.js';

/** What every log begins with: its first entry, which says that the format is version 2. */
const HEADER = Buffer.from('640062650002ffff', 'hex');

/** The entry that ends every commit, with its length and its checksum, which are always the same. */
const END_OF_COMMIT = Buffer.from('0500000000000000e7fe7d722fed3d5e640064ffff', 'hex');

/** Before each entry: its length and its checksum, of eight bytes each. */
const PREFIX = 16;

const LONGEST = 2 ** 30;

/**
 * Looks whether the log beside a database file is whole. DuckDB checks the entries, but one that it cannot read to its
 * end it takes for the last, which was being written when the process died, and drops it with all that follows. Where
 * commits follow it was not the last.
 * @throws TrackingError `unavailable` where the log is damaged
 */
export function checkLog(path: string): void {
  // A log is moved into the file when it is a hundredth of that long; a longer one would not fit into a buffer.
  if (!existsSync(`${path}.wal`) || statSync(`${path}.wal`).size > LONGEST) return;
  const log = readFileSync(`${path}.wal`);
  // A shorter one never held a commit.
  if (log.length < HEADER.length) return;
  if (!log.subarray(0, HEADER.length).equals(HEADER)) {
    throw damaged(path, 'its .wal file does not begin as it should.');
  }
  if (log.includes(END_OF_COMMIT, endOfWhole(log))) {
    throw damaged(path, 'its .wal file holds an entry that cannot be read, and commits after it.');
  }
}

/** Where the entries that are there to their end, end. */
function endOfWhole(log: Buffer): number {
  for (let start = HEADER.length; ;) {
    if (start + PREFIX > log.length) return start;
    const end = start + PREFIX + Number(log.readBigUInt64LE(start));
    if (end > log.length) return start;
    start = end;
  }
}
