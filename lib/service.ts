import { setTimeout as sleep } from 'node:timers/promises';
import { Admission } from './admission.js';
import type { Selection } from './aggregation.js';
import type { Settings } from './config.js';
import { deadLetterCommands } from './dead-letters.js';
import { deleteCounted } from './deletion.js';
import { DuckDBStore } from './duckdb/store.js';
import { TrackingError, messageOf } from './errors.js';
import type { Point } from './event.js';
import { Expiry } from './expiry.js';
import { lockDataDirectory } from './files/lock.js';
import { FileRegistry } from './files/registry.js';
import { createApp } from './http/app.js';
import { listen } from './http/server.js';
import { InfluxDBStore } from './influxdb/store.js';
import { Ingest, type IngestOptions } from './ingest.js';
import type { Logger } from './log.js';
import { NatsQueue } from './nats/queue.js';
import type { Applications } from './oauth/applications.js';
import { createAuthorization } from './oauth/authorization.js';
import { Metrics } from './prometheus/metrics.js';
import type { Queue } from './queue.js';
import { Retentions } from './retention.js';
import type { Store } from './store.js';
import { ownStore, storeCommands, storeStreams } from './transfer-store.js';
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

/** How long a request may wait for the store once the service is stopping. Milliseconds. */
const ANSWER_PATIENCE = 6000;

/** How long a command of another process may go on then; the end of the store ends it too. Milliseconds. */
const COMMAND_PATIENCE = ANSWER_PATIENCE + 500;

/** How long a write may go on after the last request was answered or cut off. Milliseconds. */
const LAST_WRITE_PATIENCE = 1000;

/** How long the queue may be silent and count as there. Milliseconds. */
const ANSWER_OF_QUEUE = 1500;
const [one, zero] = [() => 1, () => 0];
/** How long a request waits until the store has what a queue still holds, and between two looks. Milliseconds. */
const HORIZON_PATIENCE = 3000;
const HORIZON_PAUSE = 100;

/** How long a start waits for NATS, so that the first requests find it. Milliseconds. */
const START_PATIENCE = 1000;

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
    const metrics = new Metrics();
    const admission = new Admission(settings.ingest.maxPendingMegabytes * 2 ** 20);
    const write = queue === undefined ? (points: readonly Point[]) => store.write(points) : publishTo(queue);
    const ingest = new Ingest(metrics.measured(write), {
      ...ingestOptions(settings),
      release: (bytes, sender) => {
        admission.leave(bytes, sender);
      },
    });
    // Behind a queue a deletion stands in line with the events.
    const deleteSelected = (selection: Selection): Promise<number> =>
      queue === undefined ? ingest.exclusive(() => store.delete(selection)) : queue.delete(selection);
    const retentions = new Retentions({
      registry,
      setting: settings.retention.seconds ?? undefined,
      store: () => Promise.resolve(store),
      changed: () => {
        expiry.run();
      },
    });
    const expiry = new Expiry({
      store,
      delete: deleteSelected,
      rule: () => retentions.rule(),
      pause: settings.retention.checkMinutes * 60_000,
      logger,
    });
    let droppedStrings = 0;
    metrics.collect({
      tracking_events_accepted_total: () => ingest.acceptedPoints,
      tracking_events_waiting: () => ingest.backlog,
      tracking_pending_bytes: () => admission.pendingBytes,
      tracking_strings_dropped_total: () => droppedStrings,
      tracking_events_expired_total: () => expiry.deletedEvents,
      ...(queue && {
        tracking_queue_up: () => Promise.race([queue.lag().then(one, zero), sleep(ANSWER_OF_QUEUE, 0, { ref: false })]),
        tracking_queue_losses_total: () => queue.losses,
        tracking_queue_events: async () => (await queue.lag()).events,
        tracking_queue_lag_seconds: async () => (await queue.lag()).seconds,
        tracking_dead_letters: () => queue.deadLetters.count(),
      }),
    });
    closers.push(async () => {
      // A database that does not answer must not keep the service from ending, nor a deletion that is queued.
      queue?.abandon();
      const ended = Promise.all([expiry.close(), ingest.close().then(() => queue?.close())]);
      await Promise.race([ended, sleep(LAST_WRITE_PATIENCE, undefined, { ref: false })]);
      await store.close();
      await ended;
    });
    if (queue !== undefined) {
      feed(queue, store, metrics);
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
      admission,
      store,
      deleter: { delete: deleteSelected },
      authenticator: authorization.authenticator,
      logger,
      meter: metrics,
      readiness: [
        // Behind a queue events are taken also while the store is away.
        { name: 'store', essential: queue === undefined, check: () => store.check() },
        ...(queue === undefined ? [] : [{ name: 'queue', essential: true, check: () => queue.check() }]),
      ],
      cloudEvents: settings.cloudEvents,
      lineProtocol: { strings: settings.lineProtocol.strings, dropped: (strings) => (droppedStrings += strings) },
      opentelemetry: { choice: settings.opentelemetry, horizon: horizonOf(ingest, queue) },
      mounts: [authorization.middleware],
    });
    const server = await listen(app, settings.http);
    closers.push(async () => {
      const commands = lock.finish();
      // Late enough for a store that still answers, and early enough to tell those who wait for one that does not.
      const late = setTimeout(() => {
        ingest.abandon();
        queue?.abandon();
      }, ANSWER_PATIENCE);
      const patience = sleep(COMMAND_PATIENCE, undefined, { ref: false });
      await Promise.all([server.close(), Promise.race([commands, patience])]);
      clearTimeout(late);
    });
    expiry.run();
    const transfers = ownStore({ kind: settings.store, store, ingest, registry, queue });
    lock.serve(
      {
        ...applications.commands(),
        ...retentions.commands(),
        ...deadLetterCommands(() => Promise.resolve(queue?.deadLetters)),
        ...storeCommands(transfers),
      },
      storeStreams(transfers),
    );
    return { url: server.url, applications, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** How events wait for the store. */
export function ingestOptions({ ingest }: Settings): IngestOptions {
  return {
    maxWaiting: ingest.maxWaitingEvents,
    maxBatch: MAX_BATCH,
    timeout: ingest.timeoutSeconds * 1000,
  };
}

export function openStore(settings: Settings): Promise<Store> {
  return settings.influxdb === null
    ? DuckDBStore.open(settings.duckdb)
    : Promise.resolve(new InfluxDBStore(settings.influxdb));
}

/** The queue that the settings name, if any; it connects in the background. */
export function openQueue({ nats }: Settings, logger?: Logger): NatsQueue | undefined {
  if (nats === null) return undefined;
  return new NatsQueue({
    ...nats,
    onProblem: (message, error) => logger?.warn(message, { reason: messageOf(error) }),
    onLoss: (message) => logger?.error(message),
  });
}

/** Nothing is refused yet when the queue has it; what the store refuses later becomes a dead letter. */
export function publishTo(queue: Queue): (points: readonly Point[]) => Promise<[]> {
  return async (points) => {
    await queue.publish(points);
    return [];
  };
}

/** Notes what was accepted by now, and waits until the store has it; without a queue it has whatever was accepted. */
function horizonOf(ingest: Ingest, queue: Queue | undefined): () => Promise<() => Promise<void>> {
  return async () => {
    // What is under way now was begun before.
    await ingest.exclusive(() => Promise.resolve());
    const isReached = queue === undefined ? () => Promise.resolve(true) : await queue.horizon();
    return async () => {
      for (let waited = 0; !(await isReached()); waited += HORIZON_PAUSE) {
        if (waited >= HORIZON_PATIENCE) {
          throw new TrackingError(
            'unavailable',
            'What streams of metrics counted before still waits in the queue. Nothing of this request was stored.',
            { retryAfter: 2 },
          );
        }
        await sleep(HORIZON_PAUSE, undefined, { ref: false });
      }
    };
  };
}

/** Several partitions come at once, and the store takes one write at a time. */
function feed(queue: Queue, store: Store, metrics: Metrics): void {
  const turns = new Turns();
  queue.feed({
    write: (points, delivery) =>
      turns.take(() => {
        delivery.assertHeld();
        return metrics.countingFailures(store.write(points, delivery));
      }),
    delete: (selection, progress, assertHeld) =>
      turns.take(() => {
        assertHeld();
        return deleteCounted(store, selection, progress, assertHeld);
      }),
  });
}

function issuerOf({ http }: Settings): string {
  return http.issuerUrl ?? `http://localhost:${http.port}`;
}

/** The application that the settings describe, if any. */
export function bootstrapOf({ bootstrap }: Settings): { id: string; secret: string } | undefined {
  return bootstrap === null ? undefined : { id: bootstrap.clientId, secret: bootstrap.clientSecret };
}
