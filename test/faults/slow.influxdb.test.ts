import { setTimeout } from 'node:timers/promises';
import { expect } from 'chai';
import { OwnInfluxDBServer } from '../servers/influxdb.js';
import { influxDBSettings, ServiceProcess } from '../servers/service.js';
import { type Toxic, Toxiproxy } from '../servers/toxiproxy.js';
import { formatCount, report, verdict } from './figures.js';
import { lengthOf } from './length.js';
import { Load } from './load.js';
import { Memory, residentOf } from './memory.js';
import { oneOf } from './random.js';

const SECONDS = lengthOf({ full: 120, short: 8 });
const CLIENTS = lengthOf({ full: 1000, short: 600 });
const ROUNDS = lengthOf({ full: 20, short: 1 });
const LATENCY = { type: 'latency', attributes: { latency: 5000 }, stream: 'downstream' } as const;
const PENDING_MEGABYTES = 32;
/** So that there is more to wait for than may wait, and longer. */
const TIGHT = {
  MAX_WAITING_EVENTS: '10000',
  WRITE_TIMEOUT_SECONDS: '8',
  MAX_PENDING_MEGABYTES: String(PENDING_MEGABYTES),
};
/** MiB that a service may take beside what it took before: ten times the setting, as `sample.env` says. */
const BOUND = 10 * PENDING_MEGABYTES;
const RECOVERED = 1000;

/** Ways in which a connection breaks, each for what the service sends and for what InfluxDB answers. */
const TOXICS: readonly Omit<Toxic, 'stream'>[] = [
  { type: 'reset_peer', attributes: { timeout: 0 } },
  { type: 'reset_peer', attributes: { timeout: 200 } },
  { type: 'timeout', attributes: { timeout: 0 } },
  { type: 'timeout', attributes: { timeout: 300 } },
  { type: 'slow_close', attributes: { delay: 500 } },
  { type: 'limit_data', attributes: { bytes: 60 } },
  { type: 'limit_data', attributes: { bytes: 3000 } },
];
const STREAMS = ['upstream', 'downstream'] as const;

describe('A bad way to InfluxDB', function () {
  this.timeout(600_000 + (SECONDS + ROUNDS * TOXICS.length * 30) * 1000);
  let influxd: OwnInfluxDBServer;
  let proxy: Toxiproxy;
  let service: ServiceProcess;

  beforeEach(async () => {
    influxd = await OwnInfluxDBServer.start();
    proxy = await Toxiproxy.start(influxd.url);
    const bucket = await influxd.createBucket();
    service = await ServiceProcess.start({ ...influxDBSettings({ ...bucket, url: proxy.url }), ...TIGHT });
  });
  afterEach(async () => {
    await service.stop();
    await proxy.stop();
    await influxd.stop();
  });

  it('that is slow costs no memory: who cannot be served is told so, and all are served again afterwards', async () => {
    const load = new Load(service, CLIENTS);
    const token = await service.token();
    const before = residentOf(service.pid);
    const memory = new Memory(service);
    const remove = await proxy.add(LATENCY);
    const running = load.run(token);
    await setTimeout(SECONDS * 1000);
    await remove();
    const recovery = await timeToRecover(service, token);
    load.stop();
    await running;
    const most = memory.stop();
    await load.settle(token);
    const mistakes = await load.findMistakes(token);
    report(
      `${CLIENTS} clients for ${SECONDS} s, 5 s of latency: ${formatCount(load.book.size)} events acknowledged, ` +
        `${verdict(mistakes)}, ${load.book.denials.toString()}, ` +
        `${Math.round(before)} MiB before, ${Math.round(most)} MiB at most, served again after ${recovery.toFixed(1)} s`,
    );
    expect(mistakes).to.deep.equal([]);
    expect(most - before).to.be.lessThan(BOUND);
  });

  it('that breaks in every way loses nothing and doubles nothing', async () => {
    const load = new Load(service);
    const token = await service.token();
    for (let round = 0; round < ROUNDS; round++) {
      for (const toxic of TOXICS) {
        const running = load.run(token);
        await setTimeout(200);
        const remove = await proxy.add({ ...toxic, stream: oneOf(STREAMS) });
        await setTimeout(1500);
        await remove();
        load.stop();
        await running;
      }
    }
    await load.settle(token);
    const mistakes = await load.findMistakes(token);
    report(
      `${ROUNDS * TOXICS.length} broken ways, ${formatCount(load.book.size)} events acknowledged: ${verdict(mistakes)}`,
    );
    expect(mistakes).to.deep.equal([]);
  });
});

/** Seconds until a request is answered well, and soon. */
async function timeToRecover(service: ServiceProcess, token: string): Promise<number> {
  const begun = performance.now();
  for (;;) {
    const sent = performance.now();
    const response = await fetch(`${service.url}/api/track/`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
      body: '{"namespace":"Probe","name":"probe","value":1}',
      signal: AbortSignal.timeout(RECOVERED),
    }).catch(() => undefined);
    await response?.text();
    if (response?.status === 201) return (sent - begun) / 1000;
    await setTimeout(50);
  }
}
