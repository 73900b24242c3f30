import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { PACKAGE_FOLDER, readSettings, type Settings } from '../config.js';
import { parquetArchive } from '../duckdb/parquet.js';
import { TrackingError } from '../errors.js';
import type { Point } from '../event.js';
import { type Backup, openBackup, writeBackup } from '../files/backup.js';
import { lockDataDirectory } from '../files/lock.js';
import { FileRegistry } from '../files/registry.js';
import { openStoreForCommand } from './without-service.js';
import type { Store } from '../store.js';
import { Tally, type Totals } from '../tally.js';
import { Progress, say } from '../terminal/progress.js';
import { ALL_POINTS, transfer } from '../transfer.js';
import { watch } from './export.js';
import { interruption, openServiceStore, untilInterrupted, withStore } from './store.js';

/**
 * Writes everything into a new directory, while events come in: all that the store held when it began, and of what comes
 * later any part, also of what waited in a queue. A store is read slice of time by slice of time, each slice at one
 * moment, so every point is whole and there once; events do not refer to each other, so nothing more is asked of a
 * snapshot.
 */
export async function backUp(directory: string): Promise<void> {
  const signal = interruption();
  const archive = parquetArchive({ compression: 'zstd', folder: dirname(resolve(directory)) });
  await withStore(openServiceStore(readSettings()), async (store) => {
    const createdAt = new Date().toISOString();
    const registry = await store.registry();
    const waiting = await store.waiting().catch(() => NaN);
    const watched = await watch(store, ALL_POINTS, 'backing up');
    const tally = new Tally();
    try {
      const { totals } = await writeBackup(directory, {
        registry,
        points: async (output) => {
          await archive.write(counted(untilInterrupted(watched.points, signal), tally), output);
          return tally.totals;
        },
        about: { createdAt, release: release(), store: store.kind },
      });
      watched.stop();
      say(
        `${directory} holds ${totals.points.toLocaleString('en')} points and ${registry.applications.length} application(s).`,
      );
      if (waiting !== undefined && waiting !== 0) say(inQueue(waiting));
    } finally {
      watched.stop();
    }
  });
}

/** @param waiting - NaN where it is not known */
function inQueue(waiting: number): string {
  const count = Number.isNaN(waiting)
    ? 'accepted events, how many is not known,'
    : `${waiting.toLocaleString('en')} accepted event(s)`;
  return `When it began, ${count} waited in the queue: of these some may not be in it.`;
}

/** Puts a backup into a data directory and a store that are both empty. */
export async function restore(directory: string): Promise<void> {
  const settings = readSettings();
  const signal = interruption();
  const backup = await openBackup(directory);
  const lock = await lockDataDirectory(settings.data.directory);
  try {
    await FileRegistry.refuseToReplace(settings.data.directory);
    const store = await openStoreForCommand(settings);
    try {
      await refuseToAdd(store, settings);
      await restorePoints(backup, store, signal);
    } finally {
      await store.close();
    }
    // Last, so that a directory with a registry is one that was restored to the end.
    await FileRegistry.create(settings.data.directory, backup.registry);
  } finally {
    await lock.release();
  }
  const { totals, applications } = backup.manifest;
  say(
    `${totals.points.toLocaleString('en')} points and ${applications} application(s) are restored, and were counted.`,
  );
}

async function refuseToAdd(store: Store, settings: Settings): Promise<void> {
  if ((await store.namespaces()).length === 0) return;
  const place = settings.influxdb === null ? settings.duckdb.path : `the bucket ${settings.influxdb.bucket}`;
  throw new TrackingError(
    'unprocessable',
    `${place} holds events already, and a backup is restored into an empty store alone. Empty it, or name another one.`,
  );
}

async function restorePoints({ manifest, points }: Backup, store: Store, signal: AbortSignal): Promise<void> {
  const read = new Tally();
  const rows = counted(parquetArchive({ compression: 'zstd' }).read(points), read);
  const bar = new Progress('restoring');
  let done = 0;
  try {
    for await (const step of transfer(untilInterrupted(rows, signal), store)) {
      const [refusal] = step.refusals;
      if (refusal !== undefined) throw incomplete(`the database refuses an event: ${refusal.reason}`);
      done += step.points.length;
      bar.add(step.points.length, done / manifest.totals.points);
    }
  } catch (error) {
    throw error instanceof TrackingError && error.code !== 'unprocessable' ? incomplete(error.message) : error;
  } finally {
    bar.stop();
  }
  refuseOtherTotals('The backup has', read.totals, manifest.totals);
  const stored = new Tally();
  for await (const _ of counted(store.points({}), stored));
  if (stored.totals.points !== manifest.totals.points) {
    throw incomplete(`the store counts ${stored.totals.points} points of ${manifest.totals.points}`);
  }
}

function refuseOtherTotals(what: string, { points, checksum }: Totals, expected: Totals): void {
  if (points === expected.points && checksum === expected.checksum) return;
  throw incomplete(`${what} other points than its manifest says (${points} of ${expected.points})`);
}

function incomplete(reason: string): TrackingError {
  return new TrackingError(
    'unprocessable',
    `The backup is not restored, only a part of its events: ${reason.replace(/\.$/, '')}. Empty the store and begin anew.`,
  );
}

async function* counted(source: AsyncIterable<readonly Point[]>, tally: Tally): AsyncGenerator<readonly Point[]> {
  for await (const points of source) {
    tally.add(points);
    yield points;
  }
}

function release(): string {
  return (JSON.parse(readFileSync(`${PACKAGE_FOLDER}/package.json`, 'utf8')) as { version: string }).version;
}
