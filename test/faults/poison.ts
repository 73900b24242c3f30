import { execFile } from 'node:child_process';
import process from 'node:process';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type BucketAccess, OwnInfluxDBServer, writeLines } from '../servers/influxdb.js';
import { OwnNatsServer } from '../servers/nats.js';
import type { OwnServer } from '../servers/own-server.js';
import { CLI, influxDBSettings, ServiceProcess } from '../servers/service.js';
import { NAMESPACE } from './requests.js';
import { natsSettings } from './setups.js';
import { storedValues } from './stored.js';

const DAY = 24 * 3600;
/** The bucket keeps points so long, in shards of a day. */
const KEPT = 30 * DAY;
/** Where another program has written integers. */
const FOREIGN_DAY = 10 * DAY;
const PER_REQUEST = 100;
const PER_POISON = 1000;

/** Why InfluxDB refuses one event in a thousand, and how long before now that one is. */
export const POISONS = {
  'a field type conflict': { age: FOREIGN_DAY, reason: /not a float/ },
  'a point older than the retention': { age: 2 * KEPT, reason: /older than the bucket keeps/ },
} as const;

export type Poison = (typeof POISONS)[keyof typeof POISONS];

export interface Answer {
  readonly status: number;
  readonly errors: readonly { readonly index: number; readonly message: string }[];
  /** Where in the request the poison was. */
  readonly poisoned: number | undefined;
}

/** A service on a bucket that has a limited retention and a day that belongs to integers. */
export class Poisoned {
  private constructor(
    readonly service: ServiceProcess,
    private readonly servers: readonly OwnServer[],
  ) {}

  static async start(queue: boolean): Promise<Poisoned> {
    const influxd = await OwnInfluxDBServer.start();
    const bucket = await influxd.createBucket(KEPT);
    await writeIntegers(bucket);
    const nats = queue ? await OwnNatsServer.start() : undefined;
    const settings = nats === undefined ? {} : natsSettings(nats);
    const service = await ServiceProcess.start({ ...influxDBSettings(bucket), ...settings });
    return new Poisoned(service, nats === undefined ? [influxd] : [nats, influxd]);
  }

  async stop(): Promise<void> {
    await this.service.stop();
    for (const server of this.servers) await server.stop();
  }

  /** Sends many events in requests that arrive together, one event in a thousand poisoned. */
  async send(count: number, name: string, { age }: Poison): Promise<Answer[]> {
    const token = await this.service.token();
    const now = Math.floor(Date.now() / 1000);
    const bodies = Array.from({ length: count / PER_REQUEST }, (_, request) =>
      Array.from({ length: PER_REQUEST }, (_, index) => {
        const value = request * PER_REQUEST + index;
        const timestamp = now - (isPoison(value) ? age : 1 + (value % 1000));
        return { namespace: NAMESPACE, name, value, timestamp };
      }),
    );
    return Promise.all(bodies.map((events) => this.post(events, token)));
  }

  /**
   * The values stored today. Of a range that reaches into a shard of integers InfluxDB leaves out the floats of all others,
   * and does not say so.
   */
  async stored(name: string): Promise<number[]> {
    return storedValues(this.service, name, await this.service.token(), '&tsMin=-2d');
  }

  /** What `tracking dead-letters list` shows. */
  async deadLetters(): Promise<{ readonly event: { readonly value: number }; readonly reason: string }[]> {
    const environment = { ...process.env, DATA_DIR: this.service.dataDirectory };
    const options = { env: environment, maxBuffer: 100_000_000 };
    const { stdout } = await promisify(execFile)(process.execPath, [CLI, 'dead-letters', 'list', '--json'], options);
    return JSON.parse(stdout) as { event: { value: number }; reason: string }[];
  }

  private async post(events: readonly { readonly value: number }[], token: string): Promise<Answer> {
    const response = await fetch(`${this.service.url}/api/track/`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
      body: JSON.stringify(events),
    });
    if (response.status === 429) {
      // Nothing of it was stored; all are sent at once, and more than one application may have waiting.
      await response.text();
      await setTimeout(Number(response.headers.get('retry-after')) * 1000);
      return this.post(events, token);
    }
    const { errors = [] } = (await response.json()) as { errors?: Answer['errors'] };
    const poisoned = events.findIndex(({ value }) => isPoison(value));
    return { status: response.status, errors, poisoned: poisoned < 0 ? undefined : poisoned };
  }
}

/** One in a thousand, at another place of its request each time. */
export function isPoison(value: number): boolean {
  const thousand = Math.floor(value / PER_POISON);
  return value % PER_POISON === (thousand * 37) % PER_POISON;
}

function writeIntegers(access: BucketAccess): Promise<void> {
  const time = Math.floor(Date.now() / 1000) - FOREIGN_DAY;
  return writeLines(access, `${NAMESPACE},name=foreign value=1i ${time}`, 's');
}
