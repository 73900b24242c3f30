import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Archive } from '../archive.js';
import { readSettings, type Settings } from '../config.js';
import { TrackingError } from '../errors.js';
import type { Point } from '../event.js';
import { ImportProgress, type Rows } from '../files/import-progress.js';
import { hashOfFile } from '../files/whole-file.js';
import { Progress, say } from '../terminal/progress.js';
import type { StoreKind } from '../transfer-store.js';
import { identifiedRows, type IdentityRule, persistent, transfer } from '../transfer.js';
import { archiveOf, type ArchiveOptions } from './archives.js';
import { Refusals } from './refusals.js';
import { interruption, openServiceStore, untilInterrupted, withStore } from './store.js';

export interface ImportOptions extends ArchiveOptions {
  readonly identity: IdentityRule;
}

/** Reads points from a file, or from standard input, into the store. */
export async function importPoints(file: string | undefined, options: ImportOptions): Promise<void> {
  const signal = interruption();
  const archive = await archiveOf(file, options);
  if (file !== undefined && !(await isStream(file))) {
    await importFile(file, file, archive, options.identity, signal);
    return;
  }
  // It is read twice: for its hash and whether it is right, and for its points.
  const input = file === undefined ? process.stdin : createReadStream(file);
  await spooled(input, signal, (path) => importFile(path, file ?? 'standard input', archive, options.identity, signal));
}

/** Whether it can be read only once, as a pipe. */
async function isStream(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && !found.isFile() && !found.isDirectory();
}

async function spooled(
  input: NodeJS.ReadableStream,
  signal: AbortSignal,
  use: (path: string) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'tracking-import-'));
  try {
    const path = join(folder, 'points');
    await pipeline(input, createWriteStream(path, { mode: 0o600 }), { signal }).catch((error: unknown) => {
      throw signal.aborted ? new TrackingError('unavailable', 'Interrupted.') : error;
    });
    await use(path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Stores nothing before every row of the file was found right: in a file that is corrected afterwards the rows without
 * an identity would be other ones, and those stored already would count twice.
 */
async function importFile(
  path: string,
  name: string,
  archive: Archive,
  rule: IdentityRule,
  signal: AbortSignal,
): Promise<void> {
  const settings = readSettings();
  const content = await hashOfFile(path);
  const read = (follow?: (fraction: number) => void): AsyncIterable<readonly Point[]> =>
    untilInterrupted(named(archive.read(path, follow), name), signal);
  await withStore(openServiceStore(settings), async (store) => {
    const key = keyOf([content, rule, store.kind, placeOf(settings, store.kind)]);
    const progress = await ImportProgress.open(settings.data.directory, key);
    const { done, all } = progress.before ?? { done: 0, all: await check(read) };
    if (progress.before !== undefined) say(`Going on after row ${done}, where an import of ${name} was interrupted.`);
    const rows = identifiedRows(read(), { content, done, rule });
    const refusals = new Refusals();
    const bar = new Progress('importing');
    let row = done;
    try {
      for await (const step of transfer(rows, persistent(store))) {
        refusals.add(step, row);
        row += step.points.length;
        bar.add(step.points.length, row / all);
        await progress.note({ done: row, all });
      }
    } finally {
      bar.stop();
      if (row > done && row < all) await progress.note({ done: row, all }, 'now');
    }
    await progress.end();
    refusals.report('row');
    say(`${all.toLocaleString('en')} rows of ${name} are stored, each once.`);
  });
}

/** Reads all rows. @returns how many there are */
async function check(
  read: (follow: (fraction: number) => void) => AsyncIterable<readonly Point[]>,
): Promise<Rows['all']> {
  const bar = new Progress('checking');
  let [count, fraction] = [0, 0];
  const rows = read((part) => {
    fraction = part;
  });
  try {
    for await (const points of rows) {
      count += points.length;
      bar.add(points.length, fraction);
    }
  } finally {
    bar.stop();
  }
  return count;
}

async function* named(rows: AsyncIterable<readonly Point[]>, name: string): AsyncGenerator<readonly Point[]> {
  try {
    yield* rows;
  } catch (error) {
    if (!(error instanceof TrackingError) || error.code !== 'invalid') throw error;
    throw new TrackingError('invalid', `${name}, ${error.message}. Nothing of it was stored.`);
  }
}

/** Where the points go, so that progress in one place is not taken for progress in another. */
function placeOf(settings: Settings, kind: StoreKind): string {
  const { influxdb } = settings;
  return kind === 'duckdb' || influxdb === null
    ? settings.duckdb.path
    : [influxdb.url, influxdb.org, influxdb.bucket].join(' ');
}

function keyOf(parts: readonly string[]): string {
  return createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 32);
}
