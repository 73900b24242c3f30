import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { cp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import path from 'node:path';
import { temporaryFolder } from './lifetime.js';
import { getNatsServer } from './nats-server.js';
import { OwnServer } from './own-server.js';
import { freePorts, ServerProcess } from './process.js';

/** What is said to a NATS server at its start. */
export interface NatsServerOptions {
  /** False: without JetStream. */
  readonly jetStream?: boolean;
  /** False: it syncs every two minutes, as it does unless told. */
  readonly syncAlways?: boolean;
  /** Further lines of its configuration. */
  readonly configuration?: string;
}

/** A running NATS server that tests may fill. */
export interface NatsServer {
  readonly url: string;
  readonly monitorUrl: string | null;
  /** A stream name that no other test uses. */
  readonly freshStream: () => string;
}

/** A NATS server of our own, which can be killed and started again. */
export class OwnNatsServer extends OwnServer implements NatsServer {
  readonly freshStream = freshStream;

  private constructor(
    launch: () => ServerProcess,
    readonly url: string,
    readonly monitorUrl: string,
    private readonly folder: string,
  ) {
    super(launch);
  }

  /** Starts an empty one on free ports of the loopback address. */
  static async start(options: NatsServerOptions = {}): Promise<OwnNatsServer> {
    return OwnNatsServer.startOn(await freePorts(2), options);
  }

  /** Starts several empty ones that are a cluster; together, for none is healthy alone. */
  static async startCluster(size: number): Promise<OwnNatsServer[]> {
    const ports = await freePorts(3 * size);
    const between = ports.splice(0, size);
    const routes = between.map((port) => `"nats://127.0.0.1:${String(port)}"`).join(', ');
    return Promise.all(
      between.map((port) => {
        const membership = `cluster { name: "tests", listen: "127.0.0.1:${String(port)}", routes: [${routes}] }`;
        const configuration = `server_name: "server-${String(port)}"\n${membership}`;
        return OwnNatsServer.startOn(ports.splice(0, 2), { configuration });
      }),
    );
  }

  private static async startOn(
    [port = 0, monitorPort = 0]: number[],
    options: NatsServerOptions,
  ): Promise<OwnNatsServer> {
    const program = await getNatsServer();
    const folder = temporaryFolder('nats');
    const file = path.join(folder, 'nats.conf');
    writeFileSync(file, configurationOf(options, folder, port, monitorPort));
    const launch = (): ServerProcess => ServerProcess.spawn(program, ['-c', file], path.join(folder, 'nats.log'));
    const [url, monitorUrl] = [`nats://127.0.0.1:${String(port)}`, `http://127.0.0.1:${String(monitorPort)}`];
    const server = new OwnNatsServer(launch, url, monitorUrl, folder);
    await server.ready();
    return server;
  }

  /** Copies its data while it is stopped. @returns what puts the copy in their place, as a power cut or a restored disk does */
  async copyData(): Promise<() => Promise<void>> {
    const data = path.join(this.folder, 'jetstream');
    const copy = path.join(this.folder, `copy-${randomBytes(4).toString('hex')}`);
    await cp(data, copy, { recursive: true });
    return async () => {
      await rm(data, { recursive: true });
      await cp(copy, data, { recursive: true });
    };
  }

  protected async probe(): Promise<void> {
    const health = await fetch(`${this.monitorUrl}/healthz`);
    if (!health.ok) throw new Error(await health.text());
    await reach(Number(new URL(this.url).port));
  }
}

let shared: Promise<NatsServer> | undefined;

/**
 * The one server of this test run: the one that `NATS_URL` points at, else one of our own, started by the first who asks
 * and ended with this process.
 * @throws Error where there is none and none can be made
 */
export function natsServer(): Promise<NatsServer> {
  return (shared ??= running() ?? OwnNatsServer.start());
}

function running(): Promise<NatsServer> | undefined {
  const { NATS_URL: url = '', NATS_MONITOR_URL: monitorUrl = '' } = process.env;
  if (url === '') return undefined;
  return Promise.resolve({ url, monitorUrl: monitorUrl === '' ? null : monitorUrl, freshStream });
}

function freshStream(): string {
  return `test-${randomBytes(6).toString('hex')}`;
}

function configurationOf(options: NatsServerOptions, folder: string, port: number, monitorPort: number): string {
  const { jetStream = true, syncAlways = true, configuration = '' } = options;
  const sync = syncAlways ? ', sync_interval: always' : '';
  return [
    `listen: "127.0.0.1:${String(port)}"`,
    `http: "127.0.0.1:${String(monitorPort)}"`,
    jetStream ? `jetstream { store_dir: ${JSON.stringify(folder)}${sync} }` : '',
    configuration,
  ].join('\n');
}

function reach(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve();
    });
    socket.once('error', reject);
  });
}
