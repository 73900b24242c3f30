import { setTimeout } from 'node:timers/promises';
import { expect } from 'chai';
import { OwnInfluxDBServer } from '../servers/influxdb.js';
import { influxDBSettings, ServiceProcess } from '../servers/service.js';
import { formatCount, report } from './figures.js';
import { lengthOf } from './length.js';
import { between } from './random.js';
import { NAMESPACE } from './requests.js';
import { storedValues } from './stored.js';

const KILLS = lengthOf({ full: 100, short: 3 });
const BATCH = 10_000;
const WEEKS = 52;
const WEEK = 7 * 24 * 3600;
const START = 1_600_000_000;

describe('InfluxDB, killed in the middle of a batch over 52 weeks', function () {
  this.timeout(300_000 + KILLS * 60_000);

  it('holds all of it exactly once, for the service sends it again unchanged', async () => {
    const influxd = await OwnInfluxDBServer.start();
    const settings = influxDBSettings(await influxd.createBucket());
    const service = await ServiceProcess.start({ ...settings, WRITE_TIMEOUT_SECONDS: '120' });
    // Makes the shards, and so the first kill does not only meet the making of them.
    await send(service, 'warm');
    const begun = performance.now();
    await send(service, 'timed');
    const duration = performance.now() - begun;
    const mistakes: string[] = [];
    for (let kills = 0, attempts = 0; kills < KILLS; attempts++) {
      const name = `batch-${attempts}`;
      let answeredAt = Infinity;
      const sending = send(service, name).finally(() => (answeredAt = performance.now()));
      await setTimeout(between(0, duration));
      await influxd.kill();
      if (answeredAt === Infinity) kills++;
      await influxd.restart();
      await sending;
      mistakes.push(...(await findMistakes(service, name)));
    }
    report(
      `${KILLS} kills in mid-batch, ${formatCount(KILLS * BATCH)} events over ${WEEKS} weeks: ` +
        (mistakes.length === 0 ? 'all there exactly once' : mistakes.join('; ')),
    );
    await service.stop();
    await influxd.stop();
    expect(mistakes).to.deep.equal([]);
  });
});

/** Sends plain events, which nothing but the service's own care keeps from counting twice. */
async function send(service: ServiceProcess, name: string): Promise<void> {
  const events = Array.from({ length: BATCH }, (_, value) => ({
    namespace: NAMESPACE,
    name,
    value,
    timestamp: START + (value % WEEKS) * WEEK,
  }));
  const token = await service.token();
  for (;;) {
    const response = await fetch(`${service.url}/api/track/`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
      body: JSON.stringify(events),
    });
    const text = await response.text();
    if (response.status === 201) return;
    // Refused before a byte of it was on its way: then it is the client who sends it again.
    if (response.status !== 503) throw new Error(text);
    await expectNone(service, name, text);
  }
}

/** @throws Error where something is stored of what was refused */
async function expectNone(service: ServiceProcess, name: string, refusal: string): Promise<void> {
  for (;;) {
    await setTimeout(50);
    const stored = await storedValues(service, name, await service.token()).catch(() => undefined);
    if (stored === undefined) continue;
    if (stored.length > 0) throw new Error(`${stored.length} events are stored of what was refused with ${refusal}`);
    return;
  }
}

async function findMistakes(service: ServiceProcess, name: string): Promise<string[]> {
  const stored = await storedValues(service, name, await service.token());
  const once = new Set(stored).size;
  return stored.length === BATCH && once === BATCH
    ? []
    : [`${name}: ${BATCH - once} lost, ${stored.length - once} doubled`];
}
