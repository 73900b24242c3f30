import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect } from 'chai';
import { adoptText } from '../../lib/adoption.js';
import type { AgentStatus } from '../../lib/agent/status.js';
import { PACKAGE_FOLDER } from '../../lib/config.js';
import { refusal, tracking } from '../commands/running.js';
import { temporaryFolder } from '../servers/lifetime.js';
import { freePort, ServerProcess } from '../servers/process.js';
import { APPLICATION, CLI, ServiceProcess } from '../servers/service.js';
import { closed, newClient } from './statsd-client.js';

interface StoredEvent {
  readonly aggregatedTimestamp: string;
  readonly value: number;
  readonly tags: Readonly<Record<string, string>>;
}

describe('tracking agent', function () {
  this.timeout(120_000);
  let service: ServiceProcess;
  let folder: string;
  let buffer: string;
  let agent: ServerProcess | undefined;

  before(async () => {
    service = await ServiceProcess.start();
  });
  after(() => service.stop());
  beforeEach(() => {
    folder = temporaryFolder('agent');
    buffer = path.join(folder, 'buffer');
  });
  afterEach(() => agent?.signal('SIGKILL'));

  const secret = { TRACKING_AGENT_CLIENT_SECRET: APPLICATION.secret };
  const needed = (): string[] => ['--url', service.url, '--client-id', APPLICATION.id, '--buffer', buffer];

  function start(namespace: string, ...flags: string[]): ServerProcess {
    const variables = Object.entries(secret).map(([name, value]) => `${name}=${value}`);
    const command = [
      process.execPath,
      CLI,
      'agent',
      ...needed(),
      '--namespace',
      namespace,
      '--interval',
      '1s',
      ...flags,
    ];
    agent = ServerProcess.spawn('env', [...variables, ...command], path.join(folder, 'agent.log'));
    return agent;
  }

  const log = (): string => readFileSync(path.join(folder, 'agent.log'), 'utf8');

  async function status(): Promise<AgentStatus> {
    const { stdout } = await tracking({}, 'agent', 'status', '--buffer', buffer, '--json');
    return JSON.parse(stdout) as AgentStatus;
  }

  async function stored(namespace: string, name: string): Promise<StoredEvent[]> {
    const response = await fetch(`${service.url}/api/events/${namespace}/${name}?granularity=none`, {
      headers: { Authorization: `Bearer ${await service.token()}` },
    });
    return (await response.json()) as StoredEvent[];
  }

  async function until(condition: () => Promise<boolean>): Promise<void> {
    while (!(await condition())) {
      if (agent?.running === false) throw new Error(`The agent ended:\n${log()}`);
      await setTimeout(100);
    }
  }

  it('sends the figures of the host at full intervals, and what a StatsD client sent', async () => {
    const port = await freePort();
    start('First', '--tag', 'role=web', '--tag', 'rack=7', '--exclude', 'network*', '--statsd', String(port));
    await until(async () => (await stored('First', 'usedMemory')).length > 1);
    const client = newClient(port);
    for (let count = 0; count < 100; count++) client.increment('orders', 3);
    client.gauge('stock', 42);
    await closed(client);
    await until(async () => (await stored('First', 'shop.stock')).length > 0);
    const orders = await stored('First', 'shop.orders');
    expect(orders.reduce((sum, { value }) => sum + value, 0)).to.equal(300);
    const memory = await stored('First', 'usedMemory');
    expect(memory[0]?.tags).to.include({ role: 'web', rack: '7' });
    expect(memory[0]?.tags).to.include.keys('host');
    expect(memory.every(({ aggregatedTimestamp }) => Date.parse(aggregatedTimestamp) % 1000 === 0)).to.equal(true);
    expect(orders[0]?.tags).to.include({ role: 'web', env: 'test' });
    expect(await stored('First', 'networkSentBytes')).to.deep.equal([]);
  });

  it('keeps what it cannot send over kills of both, and brings it once', async () => {
    start('Second', '--include', 'uptime,cpuUtilization');
    await until(async () => (await stored('Second', 'uptime')).length > 1);
    await service.kill();
    await until(async () => (await status()).lastError?.resolved === false);
    await until(async () => (await status()).buffered.events > 3);
    await agent?.signal('SIGKILL');
    const left = await status();
    expect(left).to.deep.include({ running: false, pid: null });
    expect(left.buffered.events).to.be.above(3);
    const { stdout } = await tracking({}, 'agent', 'status', '--buffer', buffer);
    expect(stdout).to.match(/\noldest {6}\S+Z, or up to ten minutes later\n/);
    await service.restart();
    start('Second', '--include', 'uptime,cpuUtilization');
    await until(async () => (await status()).lastError?.resolved === true);
    await until(async () => (await status()).buffered.events === 0);
    const times = (await stored('Second', 'uptime')).map(({ aggregatedTimestamp }) => aggregatedTimestamp);
    expect(new Set(times).size).to.equal(times.length);
    expect(times.length).to.be.at.least(left.totals.sent / 2 + left.buffered.events / 2 - 1);
  });

  it('says what it does, refuses a second agent on its buffer, and stops in order', async () => {
    const running = start('Third', '--include', 'uptime');
    await until(async () => existsSync(buffer) && (await status()).lastSent !== null);
    const { stdout } = await tracking({}, 'agent', 'status', '--buffer', buffer);
    expect(stdout).to.match(/^running {5}yes, process \d+ since /);
    expect(stdout).to.match(/\ndropped {5}0 events\nrefused {5}0 events\nlast error {2}none\n$/);
    expect(await refusal(secret, 'agent', ...needed())).to.equal(
      `The buffer directory ${buffer} is in use by process ${String((await status()).pid)}. Two agents on one host need a directory each (--buffer).\n`,
    );
    await running.signal('SIGTERM');
    expect(running.exitCode, log()).to.equal(0);
    expect(await status()).to.deep.include({ running: false });
  });

  it('keeps everything and says so where its secret is wrong', async () => {
    const flags = [...needed(), '--interval', '1s', '--include', 'uptime'];
    const wrong = { ...process.env, TRACKING_AGENT_CLIENT_SECRET: 'wrong' };
    const child = execFile(process.execPath, [CLI, 'agent', ...flags], { env: wrong });
    try {
      while (!existsSync(buffer) || (await status()).buffered.events < 2) await setTimeout(100);
      expect((await status()).lastError?.message).to.match(/^no token: 401: invalid_client/);
    } finally {
      child.kill('SIGKILL');
    }
  });

  it('ends where its buffer directory is taken from it, for whoever starts it again', async () => {
    const running = start('Gone');
    await until(async () => existsSync(buffer) && (await status()).lastSent !== null);
    rmSync(buffer, { recursive: true });
    await running.ended;
    expect(log()).to.match(/The buffer directory .* is gone, .*Start the agent again/);
    expect(log().match(/cannot be written/g)).to.have.length(1);
    start('Gone');
    await until(async () => existsSync(buffer) && (await status()).lastSent !== null);
  });

  it('sends as the README has it', async () => {
    const readme = readFileSync(path.join(PACKAGE_FOLDER, 'README.md'), 'utf8');
    const command = /^```sh\n([^`]*agent \\\n[^`]*)^```$/m.exec(readme)?.[1] ?? '';
    const here = command
      .replace('http://localhost:8000', service.url)
      .replace('data/agent', buffer)
      .replace('8125', String(await freePort()))
      .replace('node dist/lib/cli.js', `exec ${process.execPath} ${CLI}`);
    expect(here).to.contain(`--buffer ${buffer}`);
    const credentials = [`CLIENT_ID=${APPLICATION.id}`, `CLIENT_SECRET=${APPLICATION.secret}`];
    agent = ServerProcess.spawn('env', [...credentials, 'bash', '-c', here], path.join(folder, 'agent.log'));
    await until(async () => existsSync(buffer) && (await status()).lastSent !== null);
    const [event] = await stored(adoptText(hostname()), 'cpuUtilization');
    expect(event?.tags).to.deep.equal({ host: adoptText(hostname()), role: 'web' });
  });

  it('prints with --once what it would send, and needs no service for it', async () => {
    const { stdout } = await tracking({}, 'agent', '--once', '--namespace', 'Web', '--include', 'cpu*,uptime');
    const events = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { readonly namespace: string; readonly name: string });
    expect(events.map(({ name }) => name)).to.include.members(['cpuUtilization', 'cpuIdle', 'uptime']);
    expect(events.every(({ namespace }) => namespace === 'Web')).to.equal(true);
    expect(await refusal({}, 'agent', '--once', '--include', 'cpux*')).to.match(
      /"cpux\*".*\nNo figure of this host is left by include and exclude; without them all are\.\n$/s,
    );
  });

  it('says what is wrong with its settings, and where no buffer is', async () => {
    expect(await refusal({}, 'agent', '--url', 'nowhere')).to.match(
      /^The agent cannot start with these settings:\n- url /,
    );
    expect(await refusal({}, 'agent', '--urll', 'x')).to.match(/--url\?\)\n+Add --help to see what there is\.\n$/);
    expect(await refusal({}, 'agent', 'status', '--buffer', path.join(folder, 'none'))).to.match(
      /^There is no buffer of an agent in /,
    );
    expect(await refusal({}, 'agent', 'status', '--buffer', folder)).to.match(/^There is no buffer of an agent in /);
    expect(await refusal({}, 'agent', 'sttaus')).to.match(
      /unknown command 'agent sttaus': there are 'agent' and 'agent status'/,
    );
    expect(readdirSync(folder)).to.deep.equal([]);
  });
});
