import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { temporaryFolder } from '../servers/lifetime.js';
import { freePort, ServerProcess } from '../servers/process.js';
import { findOnPath } from '../servers/program.js';
import { APPLICATION, ServiceProcess } from '../servers/service.js';
import { killAndRestart } from './kills.js';
import { storedIn } from './stored.js';

const CONFIGURATION = `
global:
  scrape_interval: 500ms
scrape_configs:
  - job_name: itself
    static_configs:
      - targets: [ADDRESS]
remote_write:
  - url: SERVICE/api/v1/write
    basic_auth:
      username: ${APPLICATION.id}
      password: ${APPLICATION.secret}
    queue_config:
      batch_send_deadline: 500ms
      min_backoff: 100ms
      max_backoff: 500ms
`;

interface Sent {
  readonly metric: Readonly<Record<string, string>>;
  readonly values: readonly (readonly [seconds: number, value: string])[];
}

describe('Prometheus', () => {
  it('writes here what it scrapes: all of it is there, once, though the service is killed', async function () {
    this.timeout(180_000);
    const program = findOnPath('prometheus');
    if (program === undefined) throw new Error('There is no prometheus here. On Debian: apt-get install prometheus.');
    const service = await ServiceProcess.start();
    const folder = temporaryFolder('prometheus');
    const address = `127.0.0.1:${await freePort()}`;
    const file = path.join(folder, 'prometheus.yml');
    writeFileSync(file, CONFIGURATION.replace('ADDRESS', address).replace('SERVICE', service.url));
    const prometheus = ServerProcess.spawn(
      program,
      [`--config.file=${file}`, `--storage.tsdb.path=${path.join(folder, 'data')}`, `--web.listen-address=${address}`],
      path.join(folder, 'prometheus.log'),
    );
    await prometheus.ready(async () => {
      if (!(await fetch(`http://${address}/-/ready`)).ok) throw new Error('Not ready.');
    });
    await killAndRestart(service, { times: 3, alive: 1500, dead: 500 });
    await sleep(3000);
    const until = Date.now() - 2000;
    const sent = await sentUntil(address, until);
    await caughtUp(address, until);
    const stored = (await storedIn(service, 'itself'))
      .filter(({ time }) => time <= until)
      .map(({ name, tags, time, value }) => lineOf({ ...tags, __name__: name, job: 'itself' }, time, value));
    await prometheus.signal('SIGTERM');
    await service.stop();
    const [there, expected] = [new Set(stored), new Set(sent)];
    expect(sent.filter((line) => !there.has(line)).slice(0, 5)).to.deep.equal([]);
    expect(stored.filter((line) => !expected.has(line)).slice(0, 5)).to.deep.equal([]);
    expect(stored.length).to.equal(sent.length);
    expect(sent.length).to.be.greaterThan(1000);
  });
});

/** Every sample that Prometheus has itself, so far as it can be stored. */
async function sentUntil(address: string, until: number): Promise<string[]> {
  const query = new URLSearchParams({ query: '{job="itself"}[10m]', time: String(until / 1000) });
  const response = await fetch(`http://${address}/api/v1/query?${query.toString()}`);
  const { data } = (await response.json()) as { readonly data: { readonly result: readonly Sent[] } };
  return data.result.flatMap(({ metric, values }) =>
    values.flatMap(([seconds, value]) =>
      Number.isFinite(Number(value)) ? [lineOf(metric, Math.round(seconds * 1000), Number(value))] : [],
    ),
  );
}

/** Resolves once Prometheus has sent everything up to then. */
async function caughtUp(address: string, until: number): Promise<void> {
  for (;;) {
    const text = await (await fetch(`http://${address}/metrics`)).text();
    const [, highest] = /^prometheus_remote_storage_queue_highest_sent_timestamp_seconds\{.*\} (.*)$/m.exec(text) ?? [];
    if (Number(highest) * 1000 > until) return;
    await sleep(100);
  }
}

function lineOf(labels: Readonly<Record<string, string>>, milliseconds: number, value: number): string {
  // A tag of ours cannot be called `name`.
  const entries = Object.entries(labels).map(([key, text]) => [key === 'name' ? 'exported_name' : key, text]);
  return `${JSON.stringify(entries.sort())} ${milliseconds} ${value === 0 ? 0 : value}`;
}
