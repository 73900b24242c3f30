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
/** Of the events that a load had acknowledged in a second before, how many make a recovery. */
const RECOVERED = 0.9;
const WARM_SECONDS = lengthOf({ full: 20, short: 4 });
const SECONDS_OF_RATE = 2;

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
    const running = load.run(token);
    await setTimeout(WARM_SECONDS * 500);
    const usual = await rateOf(load, WARM_SECONDS / 2);
    const remove = await proxy.add(LATENCY);
    await setTimeout(SECONDS * 1000);
    await remove();
    const recovery = await timeToRecover(load, usual * RECOVERED);
    load.stop();
    await running;
    const most = memory.stop();
    await load.settle(token);
    const mistakes = await load.findMistakes(token);
    report(
      `${CLIENTS} clients for ${SECONDS} s, 5 s of latency: ${formatCount(load.book.size)} events acknowledged, ` +
        `${verdict(mistakes)}, ${load.book.denials.toString()}, ` +
        `${Math.round(before)} MiB before, ${Math.round(most)} MiB at most, ` +
        `${formatCount(usual)} events a second before, as many again after ${recovery.toFixed(1)} s`,
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

/** How many events a second are acknowledged, over some seconds. */
async function rateOf(load: Load, seconds: number): Promise<number> {
  const before = load.book.size;
  const begun = performance.now();
  await setTimeout(seconds * 1000);
  return (load.book.size - before) / ((performance.now() - begun) / 1000);
}

/**
 * Seconds until a load without pause has as many events acknowledged a second as asked for. A single request would not
 * tell: among a thousand clients that take all there is, how long it waits says nothing of the store.
 */
async function timeToRecover(load: Load, rate: number): Promise<number> {
  const begun = performance.now();
  while ((await rateOf(load, SECONDS_OF_RATE)) < rate);
  return (performance.now() - begun) / 1000;
}
