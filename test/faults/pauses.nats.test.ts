import { expect } from 'chai';
import { Proxy } from '../influxdb/proxy.js';
import { until } from '../nats/consumers.js';
import { OwnInfluxDBServer } from '../servers/influxdb.js';
import { OwnNatsServer } from '../servers/nats.js';
import { influxDBSettings, ServiceProcess } from '../servers/service.js';
import { natsSettings } from './setups.js';
import { storedValues } from './stored.js';

const NAMESPACE = 'Faults';
const TIME = 1_700_000_000;
/** So many namespaces that an instance has the partition of some of them, however they are shared out. */
const NAMESPACES = 100;

describe('An instance that is paused while it tries a write again', function () {
  this.timeout('2m');
  const stops: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const stop of stops.splice(0).reverse()) await stop();
  });

  it('writes nothing when it wakes up, if another has taken its work over: what was deleted stays so', async () => {
    const influxd = await OwnInfluxDBServer.start();
    stops.push(() => influxd.stop());
    const nats = await OwnNatsServer.start();
    stops.push(() => nats.stop());
    const access = await influxd.createBucket();
    const tries: string[] = [];
    let away = true;
    const proxy = await Proxy.before(access, ({ path, body }) => {
      if (path !== '/api/v2/write' || body === '') return undefined;
      tries.push(body);
      return away ? { answer: 503 } : undefined;
    });
    stops.push(() => proxy.close());
    const paused = await ServiceProcess.start({ ...influxDBSettings(proxy.access), ...natsSettings(nats) });
    stops.push(() => paused.kill());
    const token = await paused.token();
    await track(paused, token, [event(NAMESPACE, 'deleted', 1), event(NAMESPACE, 'kept', 2)]);
    await until(() => tries.length >= 2);
    process.kill(Number(paused.pid), 'SIGSTOP');

    const other = await ServiceProcess.start({ ...influxDBSettings(access), ...natsSettings(nats) });
    stops.push(() => other.kill());
    const otherToken = await other.token();
    await until(async () => (await storedValues(other, 'deleted', otherToken)).length === 1);
    expect(await remove(other, otherToken, 'deleted')).to.deep.equal({ deleted: 1 });
    away = false;
    tries.length = 0;
    process.kill(Number(paused.pid), 'SIGCONT');

    // It writes one delivery after the other: once it writes anything else, it has given up the one of before.
    for (let round = 0; tries.length === 0; round++) {
      const others = Array.from({ length: NAMESPACES }, (_, index) => event(`Other-${index}`, 'any', round));
      await track(other, otherToken, others);
    }
    expect(tries.join('\n')).not.to.include(`${NAMESPACE},`);
    expect(await storedValues(other, 'deleted', otherToken)).to.deep.equal([]);
    expect(await storedValues(other, 'kept', otherToken)).to.deep.equal([2]);
    for (const one of [paused, other]) expect(await one.stop()).to.equal(0);
  });
});

function event(namespace: string, name: string, value: number): object {
  return { namespace, name, value, timestamp: TIME, id: `${name}-${value}` };
}

async function track({ url }: ServiceProcess, token: string, events: readonly object[]): Promise<void> {
  const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' };
  const answer = await fetch(`${url}/api/track/`, { method: 'POST', headers, body: JSON.stringify(events) });
  expect(answer.status, await answer.text()).to.equal(201);
}

async function remove({ url }: ServiceProcess, token: string, name: string): Promise<unknown> {
  const headers = { Authorization: `Bearer ${token}` };
  const answer = await fetch(`${url}/api/events/${NAMESPACE}/${name}`, { method: 'DELETE', headers });
  return answer.json();
}
