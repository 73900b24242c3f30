import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BucketAccess } from './influxdb.js';
import { temporaryFolder } from './lifetime.js';
import { OwnServer } from './own-server.js';
import { freePort, ServerProcess } from './process.js';

export const CLI = fileURLToPath(new URL('../../lib/cli.js', import.meta.url));

/**
 * What `npm start` gives Node.js: room for the requests under way among the young objects, so that they are not copied;
 * and a great collection as soon as the old ones have grown by two fifths. Left alone V8 waits until they have grown
 * fourfold, and a service that catches up after an outage grows by 80 MiB that nobody needs.
 */
export const FLAGS = [
  '--min-semi-space-size=32',
  '--max-semi-space-size=32',
  '--initial-old-space-size=40',
  '--heap-growing-percent=40',
];

/** The application that every service of the tests has, with all scopes. */
export const APPLICATION = { id: 'test-application', secret: 'a-secret-of-the-tests' } as const;

/** Its credentials, as the header `Authorization` takes them. */
export const CREDENTIALS = `Basic ${Buffer.from(`${APPLICATION.id}:${APPLICATION.secret}`).toString('base64')}`;

/** A service that is stopped would wait for the next request of an idle connection. */
const NOT_KEPT = { Connection: 'close' };

/** The settings that make a service use a bucket. */
export function influxDBSettings({ url, token, org, bucket }: BucketAccess): Record<string, string> {
  return {
    STORE: 'influxdb',
    INFLUXDB_URL: url,
    INFLUXDB_TOKEN: token,
    INFLUXDB_ORG: org,
    INFLUXDB_BUCKET: bucket,
  };
}

/** The real service as `tracking serve` starts it, in a process of its own. */
export class ServiceProcess extends OwnServer {
  private constructor(
    launch: () => ServerProcess,
    readonly url: string,
    readonly folder: string,
    readonly dataDirectory: string,
  ) {
    super(launch);
  }

  /** @param settings - environment variables; left out ones are those of a fresh data directory and a free port */
  static async start(settings: Readonly<Record<string, string>> = {}): Promise<ServiceProcess> {
    const folder = temporaryFolder('service');
    const port = settings.PORT ?? String(await freePort());
    const url = `http://127.0.0.1:${port}`;
    const environment = {
      DATA_DIR: path.join(folder, 'data'),
      PORT: port,
      LOG_LEVEL: 'warn',
      BOOTSTRAP_CLIENT_ID: APPLICATION.id,
      BOOTSTRAP_CLIENT_SECRET: APPLICATION.secret,
      ...settings,
    };
    const variables = Object.entries(environment).map(([key, value]) => `${key}=${value}`);
    const launch = (): ServerProcess =>
      ServerProcess.spawn(
        'env',
        ['-C', folder, ...variables, process.execPath, ...FLAGS, CLI, 'serve'],
        path.join(folder, 'service.log'),
      );
    const service = new ServiceProcess(launch, url, folder, environment.DATA_DIR);
    await service.ready();
    return service;
  }

  /** What the service has printed so far. */
  get log(): string {
    return readFileSync(path.join(this.folder, 'service.log'), 'utf8');
  }

  /** A bearer token of the tests' application, with all scopes. */
  async token(): Promise<string> {
    const response = await fetch(`${this.url}/o/token/`, {
      method: 'POST',
      headers: {
        Authorization: CREDENTIALS,
        'Content-Type': 'application/x-www-form-urlencoded',
        ...NOT_KEPT,
      },
      body: 'grant_type=client_credentials',
    });
    if (!response.ok) throw new Error(`No token: ${await response.text()}`);
    return ((await response.json()) as { access_token: string }).access_token;
  }

  protected async probe(): Promise<void> {
    const response = await fetch(`${this.url}/health`, { headers: NOT_KEPT });
    if (!response.ok) throw new Error(await response.text());
  }
}
