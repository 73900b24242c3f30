import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { until } from './nats/consumers.js';
import { influxDB, OwnInfluxDBServer, writeLines } from './servers/influxdb.js';
import { natsServer, type NatsServer, OwnNatsServer } from './servers/nats.js';
import { CLI, influxDBSettings, ServiceProcess } from './servers/service.js';

const run = promisify(execFile);

describe('the service behind a queue', function () {
  this.timeout('2m');
  let server: NatsServer;

  before('a NATS server', async function () {
    this.timeout('10m'); // it may have to be built
    server = await natsServer();
  });

  function queueSettings({ url } = server): Record<string, string> {
    return { QUEUE: 'nats', NATS_URL: url, NATS_STREAM: server.freshStream() };
  }

  it('counts each event once that it has acknowledged or that is sent again, over kills and stops', async () => {
    const service = await ServiceProcess.start(queueSettings());
    const token = await service.token();
    const send = async (id: number): Promise<void> => {
      const event = {
        namespace: `n${String(id % 5)}`,
        name: 'b',
        value: 1,
        timestamp: 1_605_179_400 + id,
        id: String(id),
      };
      while (
        !(await track(service, token, event).then(
          ({ status }) => status === 201,
          () => false,
        ))
      )
        await sleep(50);
    };
    let [sent, over] = [0, false];
    const load = async (): Promise<void> => {
      while (!over) await send(sent++);
    };
    const loads = [load(), load(), load()];
    for (const end of ['kill', 'stop', 'kill'] as const) {
      const before = sent;
      await until(() => sent > before + 100);
      await service[end]();
      await service.restart();
    }
    over = true;
    await Promise.all(loads);
    const expected = [0, 1, 2, 3, 4].map((rest) => Math.ceil((sent - rest) / 5));
    const counts = (): Promise<number[]> =>
      Promise.all([0, 1, 2, 3, 4].map((rest) => count(service, token, `n${String(rest)}`)));
    await until(async () => sum(await counts()) >= sent);
    expect(await counts()).to.deep.equal(expected);
    expect(await service.stop()).to.equal(0);
  });

  it('starts without NATS, says why it is not ready, answers writes with 503, and goes on once there is one', async () => {
    const own = await OwnNatsServer.start();
    await own.stop();
    const service = await ServiceProcess.start(queueSettings(own));
    const token = await service.token();
    const ready = await fetch(`${service.url}/ready`);
    expect(ready.status).to.equal(503);
    expect(await ready.text()).to.match(/"name":"queue","status":"not ready","reason":"[^"]*NATS/);
    const refused = await track(service, token, { namespace: 'a', name: 'b', value: 1 });
    expect(refused.status).to.equal(503);
    expect(refused.headers.get('Retry-After')).to.match(/^\d+$/);
    expect(await metric(service, 'tracking_queue_up')).to.equal(0);
    await own.restart();
    await until(async () => (await fetch(`${service.url}/ready`)).ok);
    expect(await metric(service, 'tracking_queue_up')).to.equal(1);
    await until(async () => (await metric(service, 'tracking_queue_events')) === 0);
    expect(await (await fetch(`${service.url}/ready`)).text()).to.match(/"note":"[^"]*power cut is not known/);
    expect((await track(service, token, { namespace: 'a', name: 'b', value: 1 })).status).to.equal(201);
    await until(async () => (await count(service, token, 'a')) === 1);
    await own.kill();
    await until(async () => (await metric(service, 'tracking_queue_up')) === 0);
    expect(await metric(service, 'tracking_queue_events')).to.be.a('number');
    expect(await service.stop()).to.equal(0);
  });

  it('takes events while InfluxDB is away, says how many wait, stops in order all the same, and stores them once', async function () {
    this.timeout('20m'); // influxd may have to be built
    const influx = await OwnInfluxDBServer.start();
    const bucket = await influx.createBucket();
    const service = await ServiceProcess.start({ ...queueSettings(), ...influxDBSettings(bucket) });
    const token = await service.token();
    expect((await track(service, token, { namespace: 'a', name: 'b', value: 1 })).status).to.equal(201);
    // Stored it still counts as waiting until the position says so.
    await until(async () => !(await (await fetch(`${service.url}/ready`)).text()).includes('wait for the store'));
    expect(await count(service, token, 'a')).to.equal(1);
    await influx.kill();
    const events = Array.from({ length: 100 }, (_, value) => ({ namespace: 'a', name: 'b', value }));
    expect((await track(service, token, events)).status).to.equal(201);
    const response = await fetch(`${service.url}/ready`);
    expect(response.status).to.equal(200);
    const ready = await response.text();
    expect(ready).to.match(/^\{"status":"degraded"/);
    expect(ready).to.match(/"name":"store","status":"not ready","reason":"InfluxDB [^"]+"/);
    expect(ready).not.to.match(/127\.0\.0\.1|localhost/);
    expect(ready).to.match(/"name":"queue","status":"ready","note":"100 event\(s\) wait for the store/);
    expect(await service.stop()).to.equal(0);
    await influx.restart();
    await service.restart();
    await until(async () => (await count(service, token, 'a')) >= 101);
    expect(await count(service, token, 'a')).to.equal(101);
    expect(await service.stop()).to.equal(0);
    await influx.stop();
  });

  it('tells nothing of a first start in the log that is no trouble', async () => {
    const service = await ServiceProcess.start(queueSettings());
    await until(async () => (await fetch(`${service.url}/ready`)).ok);
    const token = await service.token();
    expect((await track(service, token, { namespace: 'a', name: 'b', value: 1 })).status).to.equal(201);
    await until(async () => (await count(service, token, 'a')) === 1);
    expect(await service.stop()).to.equal(0);
    expect(service.log).not.to.include('queue');
  });

  it('answers a deletion that cannot be done before it stops, in time, and does it afterwards', async function () {
    this.timeout('20m'); // influxd may have to be built
    const influx = await OwnInfluxDBServer.start();
    const bucket = await influx.createBucket();
    const service = await ServiceProcess.start({ ...queueSettings(), ...influxDBSettings(bucket) });
    const token = await service.token();
    const events = Array.from({ length: 10 }, (_, value) => ({ namespace: 'a', name: 'b', value }));
    expect((await track(service, token, events)).status).to.equal(201);
    await until(async () => (await count(service, token, 'a')) === 10);
    await influx.kill();
    const deletion = fetch(`${service.url}/api/events/a/b`, {
      method: 'DELETE',
      headers: { Authorization: `Bearer ${token}` },
    });
    await sleep(500);
    const [answer, exit] = await Promise.all([deletion, service.stop()]);
    expect(exit).to.equal(0);
    expect(answer.status).to.equal(503);
    expect(await answer.text()).to.include('The deletion is in the queue and will be carried out');
    await influx.restart();
    await service.restart();
    await until(async () => (await count(service, token, 'a')) === 0);
    expect(await service.stop()).to.equal(0);
    await influx.stop();
  });

  it('keeps what InfluxDB refuses as dead letters, for the command line', async function () {
    this.timeout('20m'); // influxd may have to be built
    const influx = await influxDB();
    const bucket = await influx.createBucket();
    const settings = { ...queueSettings(), ...influxDBSettings(bucket) };
    // Another program has taken the field for texts.
    await writeLines(bucket, `poisoned,name=b value="text" ${String(Date.now())}000000`);
    const service = await ServiceProcess.start(settings);
    const token = await service.token();
    const events = Array.from({ length: 10 }, (_, index) => ({
      namespace: index === 3 ? 'poisoned' : 'a',
      name: 'b',
      value: index,
    }));
    expect((await track(service, token, events)).status).to.equal(201);
    await until(async () => (await count(service, token, 'a')) === 9);

    const environment = { ...process.env, ...settings, DATA_DIR: service.dataDirectory };
    const tracking = async (...command: string[]): Promise<string> =>
      (await run(process.execPath, [CLI, 'dead-letters', ...command], { env: environment })).stdout;
    await until(async () => (await tracking('list')).includes('"namespace":"poisoned"'));
    const [letter] = JSON.parse(await tracking('list', '--json')) as { id: string; event: unknown; reason: string }[];
    expect(letter?.reason).to.match(/not a float|refuses/);
    const id = letter?.id ?? '';
    expect(JSON.parse(await tracking('show', id))).to.deep.equal(letter);
    expect(await tracking('retry', '--all')).to.equal('1 event(s) were queued once more.\n');
    await until(async () => (await tracking('list')).includes('"namespace":"poisoned"'));
    await service.stop();
    const [again] = JSON.parse(await tracking('list', '--json')) as { id: string }[];
    expect(await tracking('drop', again?.id ?? '')).to.equal('1 event(s) were dropped.\n');
    expect(await tracking('list')).to.equal('There are none.\n');
    const unknown = await tracking('drop', id).catch((error: unknown) => (error as { stderr: string }).stderr);
    expect(unknown).to.match(/^There is no dead letter/);
    await influx.removeBucket(bucket);
  });
});

function track(service: ServiceProcess, token: string, body: unknown): Promise<Response> {
  return fetch(`${service.url}/api/track/`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
}

async function count(service: ServiceProcess, token: string, namespace: string): Promise<number> {
  const response = await fetch(`${service.url}/api/events/${namespace}/b?granularity=all&aggregationType=count`, {
    headers: { Authorization: `Bearer ${token}` },
  });
  const [window] = (await response.json()) as { value: number }[];
  return window?.value ?? 0;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

async function metric(service: ServiceProcess, name: string): Promise<number | undefined> {
  const text = await (await fetch(`${service.url}/metrics`)).text();
  const value = new RegExp(`^${name} (.+)$`, 'm').exec(text)?.[1];
  return value === undefined ? undefined : Number(value);
}
