import type { Settings } from '../config.js';
import { TrackingError } from '../errors.js';
import { reachDataDirectory } from '../files/reach.js';
import type { OpenedStore } from './without-service.js';
import type { Persistence } from '../transfer.js';
import { say } from '../terminal/progress.js';
import { GREETING, remoteStore, type StoreKind, type TransferStore } from '../transfer-store.js';

/** The store of the running service, through its socket, or where none runs that of the settings. */
export async function openServiceStore(settings: Settings): Promise<OpenedStore> {
  const reached = await reachDataDirectory(settings.data.directory, GREETING);
  if ('connection' in reached) {
    const { connection, greeted } = reached;
    return { store: remoteStore(connection, greeted as StoreKind), close: () => connection.close() };
  }
  const { lock } = reached;
  try {
    const { openTransferStore } = await import('./without-service.js');
    const opened = await openTransferStore(settings, lock);
    return { store: opened.store, close: () => opened.close().finally(() => lock.release()) };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** A store that is not the service's, with no registry beside it. */
export async function openOtherStore(settings: Settings): Promise<OpenedStore> {
  const { openBareStore } = await import('./without-service.js');
  return openBareStore(settings, {
    applications: () => Promise.resolve([]),
    retentions: () => Promise.resolve([]),
    signingKeys: () => Promise.resolve([]),
  });
}

/** Uses a store and closes it, whatever comes of it. */
export async function withStore<Result>(
  opening: Promise<OpenedStore>,
  use: (store: TransferStore) => Promise<Result>,
): Promise<Result> {
  const opened = await opening;
  try {
    return await use(opened.store);
  } finally {
    await opened.close();
  }
}

/** What becomes of points behind a queue. */
export const QUEUED = 'what the database refuses of them becomes a dead letter';

/** Whether what is written to it goes into a queue first. */
export async function isQueued(store: TransferStore): Promise<boolean> {
  // A queue that does not answer is one.
  return (await store.waiting().catch(() => 0)) !== undefined;
}

/** Points that end with a sentence when the person interrupts, so that everything is closed and removed in order. */
export async function* untilInterrupted<Item>(items: AsyncIterable<Item>, signal: AbortSignal): AsyncGenerator<Item> {
  for await (const item of items) {
    if (signal.aborted) throw new TrackingError('unavailable', 'Interrupted.');
    yield item;
  }
}

/** How a transfer waits for a store that cannot take anything now: it says so, and until the person interrupts. */
export function patience(signal: AbortSignal): Persistence {
  return {
    signal,
    onWait: (reason) => {
      say(`${reason} It is tried again for ten minutes or more.`);
    },
  };
}

/** Milliseconds after which an interrupted command says why it goes on. */
const SOON = 1000;

/** Aborted by the first SIGINT or SIGTERM; the second one ends the program at once. */
export function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (controller.signal.aborted) process.exit(1);
      controller.abort();
      setTimeout(() => {
        say('Interrupted: it ends when the write under way is done, and at once if you interrupt once more.');
      }, SOON).unref();
    });
  }
  return controller.signal;
}
