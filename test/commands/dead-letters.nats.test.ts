import { join } from 'node:path';
import { expect } from 'chai';
import { until } from '../nats/consumers.js';
import { influxDB } from '../servers/influxdb.js';
import { temporaryFolder } from '../servers/lifetime.js';
import { natsServer, type NatsServer } from '../servers/nats.js';
import { influxDBSettings, ServiceProcess } from '../servers/service.js';
import { refusal, track, tracking } from './running.js';

describe('tracking dead-letters', function () {
  this.timeout('5m');
  let nats: NatsServer;

  before('a NATS server', async function () {
    this.timeout('20m'); // the servers may have to be built
    nats = await natsServer();
    await influxDB();
  });

  it('lists, retries and drops more than fit on a page, beside a service and without one', async () => {
    const queue = { QUEUE: 'nats', NATS_URL: nats.url, NATS_STREAM: nats.freshStream() };
    const bucket = influxDBSettings(await (await influxDB()).createBucket(3600));
    const settings = { ...queue, ...bucket, DATA_DIR: join(temporaryFolder('letters'), 'data') };
    const service = await ServiceProcess.start(settings);
    await track(
      service,
      Array.from({ length: 1_200 }, (_, index) => ({
        namespace: 'old',
        name: 'b',
        value: index,
        timestamp: `2001-01-01T00:00:${String(index % 60).padStart(2, '0')}Z`,
      })),
    );
    const list = async (...options: string[]): Promise<{ id: string }[]> =>
      JSON.parse((await tracking(settings, 'dead-letters', 'list', '--json', ...options)).stdout) as { id: string }[];
    await until(async () => (await list()).length === 1_200);
    const all = await list();
    expect(new Set(all.map(({ id }) => id)).size).to.equal(1_200);
    expect(await list('--limit', '600')).to.deep.equal(all.slice(0, 600));
    const lines = (await tracking(settings, 'dead-letters', 'list', '--limit', '3')).stdout.trimEnd().split('\n');
    expect(lines).to.have.length(3);
    expect(lines[0]).to.contain('"namespace":"old"').and.to.contain(all[0]?.id);

    // Those that come back, for InfluxDB refuses them again, are not retried once more.
    const retried = await tracking(settings, 'dead-letters', 'retry', '--all');
    expect(retried.stdout).to.equal('1200 event(s) were queued once more.\n');
    await until(async () => (await list()).length === 1_200);
    await service.stop();
    const dropped = await tracking(settings, 'dead-letters', 'drop', '--all');
    expect(dropped.stdout).to.equal('1200 event(s) were dropped.\n');
    expect(await list()).to.deep.equal([]);
    expect((await tracking(settings, 'dead-letters', 'list')).stdout).to.equal('There are none.\n');
    expect(await refusal(settings, 'dead-letters', 'show', all[0]?.id ?? '')).to.match(
      /^There is no dead letter \S+; `node \S+cli\.js dead-letters list` shows them all\.\n$/,
    );
    expect(await refusal(settings, 'dead-letters', 'list', '--limit', 'x')).to.contain(
      '--limit must be a whole number',
    );
  });
});
