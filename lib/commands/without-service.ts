import type { Settings } from '../config.js';
import { deadLetterCommands } from '../dead-letters.js';
import { DuckDBStore } from '../duckdb/store.js';
import type { Point } from '../event.js';
import type { CommandWork, DirectoryLock } from '../files/lock.js';
import { FileRegistry } from '../files/registry.js';
import { InfluxDBStore } from '../influxdb/store.js';
import { Ingest } from '../ingest.js';
import type { NatsQueue } from '../nats/queue.js';
import { Applications } from '../oauth/applications.js';
import type { DeadLetters } from '../queue.js';
import type { Registry } from '../registry.js';
import { Retentions } from '../retention.js';
import { bootstrapOf, ingestOptions, openQueue, publishTo } from '../service.js';
import type { Refusal, Store } from '../store.js';
import { ownStore, storeCommands, storeStreams, type TransferStore } from '../transfer-store.js';

/** How long a command waits for NATS. Milliseconds. */
const NATS_PATIENCE = 5000;

/** A quarter of the service's: beside it a command has what it reads or writes, and maybe a DuckDB for a Parquet file. */
const COMMAND_MEMORY = '64MB';

/** Bytes for the knowledge of taken nanoseconds: a file or a store comes in an order, so little is asked for again. */
const KNOWN_BYTES = 32 * 1024 * 1024;

/** The store of the settings, for a command that has it to itself. */
export function openStoreForCommand(settings: Settings): Promise<Store> {
  return settings.influxdb === null
    ? DuckDBStore.open({ ...settings.duckdb, memoryLimit: COMMAND_MEMORY })
    : Promise.resolve(new InfluxDBStore({ ...settings.influxdb, maxKnownBytes: KNOWN_BYTES }));
}

/** What commands need of the settings' registry, queue and store where no service runs that has them open. */
export async function openCommands(settings: Settings): Promise<CommandWork> {
  const registry = await FileRegistry.open(settings.data.directory);
  let store: Promise<Store> | undefined;
  let queue: NatsQueue | undefined;
  const openDeadLetters = async (): Promise<DeadLetters | undefined> => {
    queue = openQueue(settings);
    await queue?.established(NATS_PATIENCE);
    return queue?.deadLetters;
  };
  return {
    handlers: {
      ...registryCommands(settings, registry, () => (store ??= openStoreForCommand(settings))),
      ...deadLetterCommands(openDeadLetters),
    },
    close: async () => {
      await queue?.close();
      await (await store?.catch(() => undefined))?.close();
      await registry.close();
    },
  };
}

function registryCommands(
  settings: Settings,
  registry: Registry,
  store: () => Promise<Store>,
): CommandWork['handlers'] {
  return {
    ...new Applications(registry, bootstrapOf(settings)).commands(),
    ...new Retentions({ registry, setting: settings.retention.seconds ?? undefined, store }).commands(),
  };
}

/** A store of this process for commands that move points, and what ends it. */
export interface OpenedStore {
  readonly store: TransferStore;
  close(): Promise<void>;
}

/** Opens the store of the settings for a command, and what lies beside it. @param lock - the data directory, held */
export async function openTransferStore(settings: Settings, lock: DirectoryLock): Promise<OpenedStore> {
  const registry = await FileRegistry.open(settings.data.directory);
  const queue = openQueue(settings);
  try {
    await queue?.established(NATS_PATIENCE);
    const store = await openStoreForCommand(settings);
    // Behind a queue other instances write too: what is imported stands in line with what they get.
    const opened = transferStore(
      settings,
      store,
      queue === undefined ? (points) => store.write(points) : publishTo(queue),
      registry,
      queue,
    );
    lock.serve(
      {
        ...registryCommands(settings, registry, () => Promise.resolve(store)),
        ...storeCommands(opened.store),
      },
      storeStreams(opened.store),
    );
    return {
      store: opened.store,
      close: async () => {
        await lock.finish();
        await opened.close();
        await queue?.close();
        await registry.close();
      },
    };
  } catch (error) {
    await queue?.close();
    await registry.close();
    throw error;
  }
}

/** Opens the store of the settings, without a queue. @param registry - what lies beside it */
export async function openBareStore(settings: Settings, registry: RegistryPart): Promise<OpenedStore> {
  const store = await openStoreForCommand(settings);
  return transferStore(settings, store, (points) => store.write(points), registry);
}

type RegistryPart = Pick<Registry, 'applications' | 'retentions' | 'signingKeys'>;

function transferStore(
  settings: Settings,
  store: Store,
  write: (points: readonly Point[]) => Promise<readonly Refusal[]>,
  registry: RegistryPart,
  queue?: NatsQueue,
): OpenedStore {
  const ingest = new Ingest(write, ingestOptions(settings));
  return {
    store: ownStore({ kind: settings.store, store, ingest, registry, queue }),
    close: async () => {
      await ingest.close();
      await store.close();
    },
  };
}
