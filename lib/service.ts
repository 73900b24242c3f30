import { setTimeout as sleep } from 'node:timers/promises';
import { Admission } from './admission.js';
import type { Selection } from './aggregation.js';
import type { Settings } from './config.js';
import { DuckDBStore } from './duckdb/store.js';
import { type CommandWork, lockDataDirectory } from './files/lock.js';
import { FileRegistry } from './files/registry.js';
import { Expiry } from './expiry.js';
import { createApp } from './http/app.js';
import { listen } from './http/server.js';
import { InfluxDBStore } from './influxdb/store.js';
import { Ingest } from './ingest.js';
import type { Logger } from './log.js';
import { Applications } from './oauth/applications.js';
import { createAuthorization } from './oauth/authorization.js';
import { Metrics } from './prometheus/metrics.js';
import { Retentions } from './retention.js';
import type { Store } from './store.js';

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

/** How long a write may go on after the last request was answered or cut off. Milliseconds. */
const LAST_WRITE_PATIENCE = 1000;

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
    const metrics = new Metrics();
    const admission = new Admission(settings.ingest.maxPendingMegabytes * 2 ** 20);
    const ingest = new Ingest(
      metrics.measured((points) => store.write(points)),
      {
        maxWaiting: settings.ingest.maxWaitingEvents,
        maxBatch: MAX_BATCH,
        timeout: settings.ingest.timeoutSeconds * 1000,
        release: (bytes, sender) => {
          admission.leave(bytes, sender);
        },
      },
    );
    const deleter = { delete: (selection: Selection) => ingest.exclusive(() => store.delete(selection)) };
    const retentions = new Retentions(registry, settings.retention.seconds ?? undefined, () => {
      expiry.run();
    });
    const expiry = new Expiry({
      store,
      delete: (selection) => deleter.delete(selection),
      rule: () => retentions.rule(),
      pause: settings.retention.checkMinutes * 60_000,
      logger,
    });
    metrics.collect({
      tracking_events_accepted_total: () => ingest.acceptedPoints,
      tracking_events_waiting: () => ingest.backlog,
      tracking_pending_bytes: () => admission.pendingBytes,
      tracking_events_expired_total: () => expiry.deletedEvents,
    });
    closers.push(async () => {
      // A database that does not answer must not keep the service from ending.
      const ended = Promise.all([expiry.close(), ingest.close()]);
      await Promise.race([ended, sleep(LAST_WRITE_PATIENCE, undefined, { ref: false })]);
      await store.close();
      await ended;
    });

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
      deleter,
      authenticator: authorization.authenticator,
      logger,
      meter: metrics,
      readiness: [{ name: 'store', check: () => store.check() }],
      mounts: [authorization.middleware],
    });
    const server = await listen(app, settings.http);
    closers.push(async () => {
      // Late enough for a store that still answers, and early enough to tell those who wait for one that does not.
      const late = setTimeout(() => {
        ingest.abandon();
      }, ANSWER_PATIENCE);
      await server.close();
      clearTimeout(late);
    });
    expiry.run();
    lock.serve({ ...applications.commands(), ...retentions.commands() });
    closers.push(() => lock.finish());
    return { url: server.url, applications, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function openStore(settings: Settings): Promise<Store> {
  return settings.influxdb === null
    ? DuckDBStore.open(settings.duckdb)
    : Promise.resolve(new InfluxDBStore(settings.influxdb));
}

function issuerOf({ http }: Settings): string {
  return http.issuerUrl ?? `http://localhost:${http.port}`;
}

function bootstrapOf({ bootstrap }: Settings): { id: string; secret: string } | undefined {
  return bootstrap === null ? undefined : { id: bootstrap.clientId, secret: bootstrap.clientSecret };
}

/** What the command line has carried out where no service runs. */
export async function openCommands(settings: Settings): Promise<CommandWork> {
  const registry = await FileRegistry.open(settings.data.directory);
  return {
    handlers: {
      ...new Applications(registry, bootstrapOf(settings)).commands(),
      ...new Retentions(registry, settings.retention.seconds ?? undefined).commands(),
    },
    close: () => registry.close(),
  };
}
