import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { getInfluxd } from './influxd.js';
import { temporaryFolder } from './lifetime.js';
import { OwnServer } from './own-server.js';
import { freePort, ServerProcess } from './process.js';

/** What a store needs to reach a bucket. */
export interface BucketAccess {
  readonly url: string;
  readonly token: string;
  readonly org: string;
  readonly bucket: string;
}

interface Account {
  readonly url: string;
  /** May make buckets and tokens. */
  readonly token: string;
  readonly org: string;
  readonly orgID: string;
}

/** A running InfluxDB 2 that tests may fill. */
export interface InfluxDBServer {
  readonly url: string;
  /**
   * A fresh bucket, and a token that can read and write it and nothing else.
   * @param retention - how many seconds it keeps points, an hour at least; for ever unless told
   * @param suffix - what its name ends with
   */
  createBucket(retention?: number, suffix?: string): Promise<BucketAccess>;
  removeBucket(access: BucketAccess): Promise<void>;
  /** @param retention - how many seconds a bucket keeps points from now on, for ever where it is 0 */
  changeRetention(access: BucketAccess, retention: number): Promise<void>;
}

/** An InfluxDB that we have an account on. */
class AccountServer implements InfluxDBServer {
  constructor(private readonly account: Account) {}

  get url(): string {
    return this.account.url;
  }

  async createBucket(retention?: number, suffix = ''): Promise<BucketAccess> {
    const { url, org, orgID } = this.account;
    const bucket = `test-${randomBytes(6).toString('hex')}${suffix}`;
    const { id } = await this.call<{ id: string }>('POST', '/api/v2/buckets', {
      orgID,
      name: bucket,
      retentionRules: retention === undefined ? [] : [{ type: 'expire', everySeconds: retention }],
    });
    const resource = { type: 'buckets', id, orgID };
    const { token } = await this.call<{ token: string }>('POST', '/api/v2/authorizations', {
      orgID,
      description: bucket,
      permissions: [
        { action: 'read', resource },
        { action: 'write', resource },
      ],
    });
    return { url, token, org, bucket };
  }

  async removeBucket(access: BucketAccess): Promise<void> {
    for (const id of await this.idsOf(access)) await this.call('DELETE', `/api/v2/buckets/${id}`);
  }

  async changeRetention(access: BucketAccess, retention: number): Promise<void> {
    const change = { retentionRules: [{ type: 'expire', everySeconds: retention }] };
    for (const id of await this.idsOf(access)) await this.call('PATCH', `/api/v2/buckets/${id}`, change);
  }

  private async idsOf({ bucket }: BucketAccess): Promise<string[]> {
    const found = await this.call<{ buckets: { id: string }[] }>(
      'GET',
      `/api/v2/buckets?name=${encodeURIComponent(bucket)}`,
    );
    return found.buckets.map(({ id }) => id);
  }

  private call<Answer>(method: string, target: string, body?: unknown): Promise<Answer> {
    return call(this.account, method, target, body);
  }
}

/** An InfluxDB of our own, which can be killed and started again. */
export class OwnInfluxDBServer extends OwnServer implements InfluxDBServer {
  private constructor(
    launch: () => ServerProcess,
    process: ServerProcess,
    /** Where its data lies. */
    readonly folder: string,
    private readonly account: AccountServer,
  ) {
    super(launch, process);
  }

  /** Starts an empty one on a free port of the loopback address. */
  static async start(): Promise<OwnInfluxDBServer> {
    const program = await getInfluxd();
    const folder = temporaryFolder('influxdb');
    const address = `127.0.0.1:${String(await freePort())}`;
    const url = `http://${address}`;
    const launch = (): ServerProcess =>
      ServerProcess.spawn(program, influxdArguments(folder, address), path.join(folder, 'influxd.log'));
    const process = launch();
    await process.ready(() => reach(url));
    return new OwnInfluxDBServer(launch, process, folder, new AccountServer(await onboard(url)));
  }

  get url(): string {
    return this.account.url;
  }

  createBucket(retention?: number, suffix?: string): Promise<BucketAccess> {
    return this.account.createBucket(retention, suffix);
  }

  removeBucket(access: BucketAccess): Promise<void> {
    return this.account.removeBucket(access);
  }

  changeRetention(access: BucketAccess, retention: number): Promise<void> {
    return this.account.changeRetention(access, retention);
  }

  protected probe(): Promise<void> {
    return reach(this.url);
  }
}

async function reach(url: string): Promise<void> {
  const response = await fetch(`${url}/health`);
  if (!response.ok) throw new Error(await response.text());
}

/**
 * Writes line protocol into a bucket as other programs do, past the service.
 * @param precision - the unit of the times
 * @throws Error with the words of InfluxDB where it refuses them
 */
export async function writeLines(
  { url, org, bucket, token }: BucketAccess,
  lines: string,
  precision: 'ns' | 'ms' | 's' = 'ns',
): Promise<void> {
  const target = `/api/v2/write?${new URLSearchParams({ org, bucket, precision }).toString()}`;
  const headers = { authorization: `Token ${token}` };
  const response = await fetch(url + target, { method: 'POST', headers, body: lines });
  if (!response.ok) throw new Error(await response.text());
}

let shared: Promise<InfluxDBServer> | undefined;

/**
 * The one server of this test run: the one that `INFLUXDB_URL` and `INFLUXDB_TOKEN` point at, else one of our own,
 * started by the first who asks and ended with this process.
 * @throws Error where there is none and none can be made; a test run that was asked for it fails, it never skips
 */
export function influxDB(): Promise<InfluxDBServer> {
  return (shared ??= running() ?? OwnInfluxDBServer.start());
}

/** Inside a suite: a fresh bucket before its first test, gone after its last one. */
export function bucketForSuite(): () => BucketAccess {
  let server: InfluxDBServer | undefined;
  let access: BucketAccess | undefined;
  before('a bucket of its own', async function () {
    this.timeout('20m'); // influxd may have to be built
    server = await influxDB();
    access = await server.createBucket();
  });
  after(async () => {
    if (access !== undefined) await server?.removeBucket(access);
  });
  return () => {
    if (access === undefined) throw new Error('The bucket is there from the first test of the suite on.');
    return access;
  };
}

function running(): Promise<InfluxDBServer> | undefined {
  const { INFLUXDB_URL: address = '', INFLUXDB_TOKEN: token = '', INFLUXDB_ORG: org = '' } = process.env;
  if (address === '' && token === '') return undefined;
  if (address === '' || token === '') throw new Error('INFLUXDB_URL and INFLUXDB_TOKEN go together: set both or none.');
  return findAccount(address.replace(/\/$/, ''), token, org).then((account) => new AccountServer(account));
}

async function findAccount(url: string, token: string, wanted: string): Promise<Account> {
  const { orgs } = await call<{ orgs: { id: string; name: string }[] }>({ url, token }, 'GET', '/api/v2/orgs');
  const found = orgs.find(({ name }) => wanted === '' || name === wanted);
  if (found === undefined) throw new Error(`The InfluxDB at ${url} shows this token no organization ${wanted}.`);
  return { url, token, org: found.name, orgID: found.id };
}

async function onboard(url: string): Promise<Account> {
  const token = randomBytes(32).toString('base64url');
  const setup = { username: 'test', password: token, org: 'tracking', bucket: 'unused', token };
  const { org } = await call<{ org: { id: string } }>({ url }, 'POST', '/api/v2/setup', setup);
  return { url, token, org: setup.org, orgID: org.id };
}

function influxdArguments(folder: string, address: string): string[] {
  return [
    ['--bolt-path', path.join(folder, 'influxd.bolt')],
    ['--sqlite-path', path.join(folder, 'influxd.sqlite')],
    ['--engine-path', path.join(folder, 'engine')],
    ['--http-bind-address', address],
    ['--log-level', 'warn'],
    ['--reporting-disabled'],
  ].flat();
}

async function call<Answer>(
  { url, token }: { readonly url: string; readonly token?: string },
  method: string,
  target: string,
  body?: unknown,
): Promise<Answer> {
  const response = await fetch(url + target, {
    method,
    headers: token === undefined ? {} : { authorization: `Token ${token}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${url}${target} answered ${String(response.status)}: ${text}`);
  return (text === '' ? undefined : JSON.parse(text)) as Answer;
}
