import { setTimeout } from 'node:timers/promises';
import type { Settings } from './config.js';
import { deadLetterHandlers } from './dead-letter-commands.js';
import { DuckDBStore } from './duckdb/store.js';
import { type CommandWork, type DirectoryLock, lockDataDirectory } from './files/lock.js';
import { FileRegistry } from './files/registry.js';
import type { Point } from './event.js';
import { createApp } from './http/app.js';
import { listen } from './http/server.js';
import { InfluxDBStore } from './influxdb/store.js';
import { Ingest, type IngestOptions } from './ingest.js';
import type { Logger } from './log.js';
import { NatsQueue } from './nats/queue.js';
import { Applications } from './oauth/applications.js';
import { createAuthorization } from './oauth/authorization.js';
import type { DeadLetters, Queue } from './queue.js';
import type { Registry } from './registry.js';
import type { Store } from './store.js';
import { ownStore, storeCommands, storeStreams, type TransferStore } from './transfer-store.js';
import { Turns } from './turns.js';

/** A running service. */
export interface Service {
  /** Where it listens, such as `http://127.0.0.1:8000`. */
  readonly url: string;
  readonly applications: Applications;
  /** Takes no new requests, answers those it has, and lets go of everything. */
  stop(): Promise<void>;
}

/** Points in one write to the store: as many as two full requests. */
const MAX_BATCH = 20_000;

/** How long a write may go on after the last request was answered or cut off. Milliseconds. */
const LAST_WRITE_PATIENCE = 1000;

/** How long a start waits for NATS, and a command where no service runs. Milliseconds. */
const START_PATIENCE = 1000;
const NATS_PATIENCE = 5000;

/**
 * Builds the parts from the settings and starts them, the innermost first; `stop` ends them in the opposite order.
 * @throws TrackingError with a sentence for whoever started it; then nothing is left running
 */
export async function startService(settings: Settings, logger: Logger): Promise<Service> {
  const closers: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (let close = closers.pop(); close !== undefined; close = closers.pop()) await close();
  };
  try {
    const { directory } = settings.data;
    const lock = await lockDataDirectory(directory);
    closers.push(() => lock.release());
    const registry = await FileRegistry.open(directory);
    closers.push(() => registry.close());

    const store = await openStore(settings);
    const queue = openQueue(settings, logger);
    const write = queue === undefined ? (points: readonly Point[]) => store.write(points) : publishTo(queue);
    const ingest = new Ingest(write, ingestOptions(settings));
    closers.push(async () => {
      // A database that does not answer must not keep the service from ending.
      const ended = ingest.close().then(() => queue?.close());
      await Promise.race([ended, setTimeout(LAST_WRITE_PATIENCE, undefined, { ref: false })]);
      await store.close();
      await ended;
    });
    if (queue !== undefined) {
      feed(queue, store);
      // So that the first requests find it; without NATS the service starts all the same.
      await queue.established(START_PATIENCE).catch(() => undefined);
    }

    const authorization = await createAuthorization({
      registry,
      issuer: issuerOf(settings),
      bootstrap: bootstrapOf(settings),
      onError: (error) => logger.error('authorization failed', { error }),
    });
    const { applications } = authorization;
    const app = createApp({
      ingest,
      store,
      // Behind a queue a deletion stands in line with the events.
      deleter: queue ?? { delete: (selection) => ingest.exclusive(() => store.delete(selection)) },
      authenticator: authorization.authenticator,
      logger,
      readiness: [
        { name: 'store', check: () => store.check() },
        ...(queue === undefined ? [] : [{ name: 'queue', check: () => queue.check() }]),
      ],
      mounts: [authorization.middleware],
    });
    const server = await listen(app, settings.http);
    closers.push(() => server.close());
    const transfers = ownStore({ kind: settings.store, store, ingest, registry });
    lock.serve(
      {
        ...applications.commands(),
        ...deadLetterHandlers(() => Promise.resolve(queue?.deadLetters)),
        ...storeCommands(transfers),
      },
      storeStreams(transfers),
    );
    closers.push(() => lock.finish());
    return { url: server.url, applications, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function ingestOptions({ ingest }: Settings): IngestOptions {
  return {
    maxWaiting: ingest.maxWaitingEvents,
    maxBatch: MAX_BATCH,
    timeout: ingest.timeoutSeconds * 1000,
  };
}

/** The store that the settings name. */
export function openStore(settings: Settings): Promise<Store> {
  return settings.influxdb === null
    ? DuckDBStore.open(settings.duckdb)
    : Promise.resolve(new InfluxDBStore(settings.influxdb));
}

function openQueue({ nats }: Settings, logger?: Logger): NatsQueue | undefined {
  if (nats === null) return undefined;
  return new NatsQueue({ ...nats, onProblem: (message, error) => logger?.warn(message, { error }) });
}

/** Nothing is refused yet when the queue has it; what the store refuses later becomes a dead letter. */
function publishTo(queue: Queue): (points: readonly Point[]) => Promise<[]> {
  return async (points) => {
    await queue.publish(points);
    return [];
  };
}

/** Several partitions come at once, and the store takes one write at a time. */
function feed(queue: Queue, store: Store): void {
  const turns = new Turns();
  queue.feed({
    write: (points, delivery) => turns.take(() => store.write(points, delivery)),
    delete: (selection) => turns.take(() => store.delete(selection)),
  });
}

function issuerOf({ http }: Settings): string {
  return http.issuerUrl ?? `http://localhost:${http.port}`;
}

function bootstrapOf({ bootstrap }: Settings): { id: string; secret: string } | undefined {
  return bootstrap === null ? undefined : { id: bootstrap.clientId, secret: bootstrap.clientSecret };
}

/** A store of this process for commands that move points, and what ends it. */
export interface OpenedStore {
  readonly store: TransferStore;
  close(): Promise<void>;
}

/** Opens the store of the settings for a command, and what lies beside it. @param lock - the data directory, held */
export async function openTransferStore(settings: Settings, lock: DirectoryLock): Promise<OpenedStore> {
  const registry = await FileRegistry.open(settings.data.directory);
  try {
    const opened = await openBareStore(settings, registry);
    const { store } = opened;
    const applications = new Applications(registry, bootstrapOf(settings));
    lock.serve({ ...applications.commands(), ...storeCommands(store) }, storeStreams(store));
    return {
      store,
      close: async () => {
        await lock.finish();
        await opened.close();
        await registry.close();
      },
    };
  } catch (error) {
    await registry.close();
    throw error;
  }
}

/** Opens the store of the settings. @param registry - what lies beside it */
export async function openBareStore(
  settings: Settings,
  registry: Pick<Registry, 'applications' | 'retentions' | 'signingKeys'>,
): Promise<OpenedStore> {
  const store = await openStore(settings);
  const ingest = new Ingest((points) => store.write(points), ingestOptions(settings));
  return {
    store: ownStore({ kind: settings.store, store, ingest, registry }),
    close: async () => {
      await ingest.close();
      await store.close();
    },
  };
}

/** What the command line has carried out where no service runs. */
export async function openCommands(settings: Settings): Promise<CommandWork> {
  const registry = await FileRegistry.open(settings.data.directory);
  let queue: NatsQueue | undefined;
  const openDeadLetters = async (): Promise<DeadLetters | undefined> => {
    queue = openQueue(settings);
    await queue?.established(NATS_PATIENCE);
    return queue?.deadLetters;
  };
  return {
    handlers: {
      ...new Applications(registry, bootstrapOf(settings)).commands(),
      ...deadLetterHandlers(openDeadLetters),
    },
    close: async () => {
      await queue?.close();
      await registry.close();
    },
  };
}
