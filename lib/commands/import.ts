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
import { ImportProgress, type ImportState } from '../files/import-progress.js';
import { hashOfFile } from '../files/whole-file.js';
import { Progress, say } from '../terminal/progress.js';
import type { StoreKind, TransferStore } from '../transfer-store.js';
import { identifiedRows, type IdentityRule, persistent, transfer } from '../transfer.js';
import { archiveOf, type ArchiveOptions } from './archives.js';
import { Refusals } from './refusals.js';
import { interruption, isQueued, openServiceStore, patience, QUEUED, untilInterrupted, withStore } from './store.js';
import { Witnesses } from './witnesses.js';

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
  const read: Read = (fate, follow) => untilInterrupted(named(archive.read(path, follow), name, fate), signal);
  await withStore(openServiceStore(settings), async (store) => {
    const key = keyOf([content, rule, store.kind, placeOf(settings, store.kind)]);
    const progress = await ImportProgress.open(settings.data.directory, key);
    const start = (await goingOn(progress.before, store, name)) ?? { ...NOTHING_YET, ...(await check(read)) };
    const rows = identifiedRows(read(CHANGED), { content, done: start.done, rule });
    const refusals = await storeRows(rows, start, store, { progress, signal }).catch(async (error: unknown) => {
      // What it has come to may be of the other content.
      if (isAboutFile(error)) await progress.end();
      throw error;
    });
    await progress.end();
    if ((await hashOfFile(path)) !== content) throw new TrackingError('invalid', `${name}: ${CHANGED}`);
    refusals.report('row');
    say(outcome(start, name, rule, await isQueued(store)));
  });
}

const NOTHING_STORED = 'Nothing of it was stored.';
const CHANGED =
  'It has changed since it was checked, and rows of it are stored. Import it once more as it was: in another content the rows without an identity are other rows.';

const NOTHING_YET = { done: 0, refusals: new Refusals().gathered, witnesses: new Witnesses().batch };

/** What is to be gone on from; nothing where no import was interrupted, or the store has lost what it brought. */
async function goingOn(
  before: ImportState | undefined,
  store: TransferStore,
  name: string,
): Promise<ImportState | undefined> {
  if (before === undefined) return undefined;
  if (await new Witnesses(before.witnesses).areIn(store)) {
    say(`Going on after row ${before.done.toLocaleString('en')}, where an import of ${name} was interrupted.`);
    return before;
  }
  say(`An import of ${name} was interrupted, and the store does not hold what it had brought: beginning anew.`);
  return { ...before, ...NOTHING_YET };
}

async function storeRows(
  rows: AsyncIterable<readonly Point[]>,
  start: ImportState,
  store: TransferStore,
  { progress, signal }: { readonly progress: ImportProgress; readonly signal: AbortSignal },
): Promise<Refusals> {
  const refusals = new Refusals(start.refusals);
  const witnesses = new Witnesses(start.witnesses);
  const bar = new Progress('importing');
  let { done } = start;
  const state = (): ImportState => ({ ...start, done, refusals: refusals.gathered, witnesses: witnesses.batch });
  try {
    for await (const step of transfer(rows, persistent(store, patience(signal)))) {
      refusals.add(step, done);
      witnesses.add(step);
      done += step.points.length;
      bar.add(step.points.length, done / start.all);
      await progress.note(state);
    }
  } finally {
    bar.stop();
    if (done > start.done && done < start.all) await progress.note(state, 'now');
  }
  return refusals;
}

function outcome({ all, unidentified }: ImportState, name: string, rule: IdentityRule, queued: boolean): string {
  if (all === 0) return `${name} holds no events, and nothing was stored.`;
  const where = queued ? `in the queue (${QUEUED})` : 'stored';
  const stored = `${all.toLocaleString('en')} rows of ${name} are ${where}, each once`;
  if (unidentified === 0) return `${stored}.`;
  const given =
    rule === 'timestamp'
      ? 'are samples now (--identity timestamp)'
      : 'got one from the content of the file and their number';
  return `${stored}; ${unidentified.toLocaleString('en')} of them had no identity and ${given}.`;
}

/** @param fate - what is to be said of the rows where the file makes no sense */
type Read = (fate: string, follow?: (fraction: number) => void) => AsyncIterable<readonly Point[]>;

/** Reads all rows, and counts them. */
async function check(read: Read): Promise<Pick<ImportState, 'all' | 'unidentified'>> {
  const bar = new Progress('checking');
  let [all, unidentified, fraction] = [0, 0, 0];
  const rows = read(NOTHING_STORED, (part) => {
    fraction = part;
  });
  try {
    for await (const points of rows) {
      all += points.length;
      for (const { identity } of points) if (identity.kind === 'none') unidentified++;
      bar.add(points.length, fraction);
    }
  } finally {
    bar.stop();
  }
  return { all, unidentified };
}

async function* named(
  rows: AsyncIterable<readonly Point[]>,
  name: string,
  fate: string,
): AsyncGenerator<readonly Point[]> {
  try {
    yield* rows;
  } catch (error) {
    if (!isAboutFile(error)) throw error;
    throw new TrackingError('invalid', `${name}: ${error.message}. ${fate}`);
  }
}

function isAboutFile(error: unknown): error is TrackingError {
  return error instanceof TrackingError && error.code === 'invalid';
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
