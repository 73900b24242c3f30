import {
  appendFileSync,
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { tracking } from '../commands/running.js';
import { temporaryFolder } from '../servers/lifetime.js';
import { ServerProcess } from '../servers/process.js';
import { APPLICATION, ServiceProcess } from '../servers/service.js';
import { type AgentRun, FIGURES, INTERVAL, MARKS, NAMESPACE } from './agent-run.js';
import { BadNetwork } from './bad-network.js';
import { formatCount, report } from './figures.js';
import { lengthOf } from './length.js';
import { between, oneOf } from './random.js';

const WEEK = 7 * 24 * 360; // intervals
const INTERVALS = lengthOf({ full: WEEK, short: 1000 });
const KILLS = lengthOf({ full: 50, short: 3 });
const PROCESS = fileURLToPath(new URL('agent-process.js', import.meta.url));
const START = Date.UTC(2026, 0, 5);

describe('An agent on a bad network, killed again and again', function () {
  this.timeout(300_000 + INTERVALS * 100);
  let service: ServiceProcess;
  let network: BadNetwork;
  before(async () => {
    service = await ServiceProcess.start();
    network = await BadNetwork.open(service.url);
  });
  after(async () => {
    await network.close();
    await service.stop();
  });

  it('brings every sample that it kept to the store, once and in order', async () => {
    const agent = new KilledAgent(network.url);
    const until = START + (INTERVALS - 1) * INTERVAL;
    const moments = Array.from({ length: KILLS }, () => between(START, until)).sort((one, other) => one - other);
    agent.start(until);
    for (const moment of moments) {
      await agent.reaches(moment);
      await setTimeout(between(0, 5));
      await agent.kill();
      agent.start(until);
      // While it starts, and looks through what it finds, it can be killed as well.
      if (Math.random() < 0.3) {
        await setTimeout(between(100, 600));
        await agent.kill();
        agent.start(until);
      }
    }
    await agent.reaches(until);
    network.calm();
    expect(await agent.end(), agent.log).to.equal(0);

    const stored = await storedIn(service);
    const { begun, kept } = agent.ledger();
    const { lost, strange, doubled } = compare(stored, begun, kept);
    report(
      `${formatCount(INTERVALS)} intervals, ${agent.kills} kills, ${formatCount(kept.size * FIGURES.length)} samples kept, ` +
        `${formatCount(network.acknowledged)} acknowledged with those sent again; ${lost} lost, ${doubled} doubled, ` +
        `${strange} wrong, ${network.outOfOrder} out of order`,
    );
    report(`requests: ${network.tally.toString()}`);
    expect({ lost, strange, doubled, outOfOrder: network.outOfOrder }).to.deep.equal({
      lost: 0,
      strange: 0,
      doubled: 0,
      outOfOrder: 0,
    });
    expect(kept.size).to.be.at.least(INTERVALS / 2);
  });
});

/** The agent's process, which goes on where it was when it is started again. */
class KilledAgent {
  kills = 0;
  private readonly folder = temporaryFolder('agent');
  private readonly buffer = path.join(this.folder, 'buffer');
  private readonly ledgerFile = path.join(this.folder, 'ledger');
  private readonly logFile = path.join(this.folder, 'agent.log');
  private process: ServerProcess | undefined;

  constructor(private readonly url: string) {
    mkdirSync(this.buffer);
    writeFileSync(this.ledgerFile, '');
  }

  start(until: number): void {
    const run: AgentRun = {
      url: this.url,
      clientId: APPLICATION.id,
      clientSecret: APPLICATION.secret,
      buffer: this.buffer,
      ledger: this.ledgerFile,
      from: Math.max(START - INTERVAL, ...this.ledger().begun),
      until,
    };
    this.process = ServerProcess.spawn(process.execPath, [PROCESS, JSON.stringify(run)], this.logFile);
  }

  get log(): string {
    return readFileSync(this.logFile, 'utf8').split('\n').slice(-20).join('\n');
  }

  /** When the samples of intervals were about to be kept, and were. Milliseconds since 1970. */
  ledger(): { readonly begun: Set<number>; readonly kept: Set<number> } {
    const lines = readFileSync(this.ledgerFile, 'utf8').split('\n').slice(0, -1);
    const marked = (mark: string): Set<number> =>
      new Set(lines.filter((line) => line.startsWith(mark)).map((line) => Number(line.slice(1)) * 1000));
    return { begun: marked(MARKS.begun), kept: marked(MARKS.kept) };
  }

  async reaches(moment: number): Promise<void> {
    while (this.latest() < moment - INTERVAL) {
      if (this.process?.running !== true) throw new Error(`The agent ended:\n${this.log}`);
      await setTimeout(5);
    }
  }

  private latest(): number {
    const end = Buffer.alloc(64);
    const ledger = openSync(this.ledgerFile, 'r');
    const { size } = fstatSync(ledger);
    const length = readSync(ledger, end, 0, 64, Math.max(0, size - 64));
    closeSync(ledger);
    const last = end.toString('latin1', 0, length).split('\n').at(-2);
    return last === undefined ? -Infinity : Number(last.slice(1)) * 1000;
  }

  /** Kills it; at times what a power cut would leave stands behind what was synced. */
  async kill(): Promise<void> {
    this.kills++;
    await this.process?.signal('SIGKILL');
    const last = readdirSync(this.buffer)
      .filter((name) => name.startsWith('events-'))
      .sort()
      .at(-1);
    if (last === undefined || Math.random() < 0.5) return;
    const torn = oneOf(['{"namespace":"Agent","name":"cpuUtiliz', '\0'.repeat(512), '\0\0\0\n\0\0']);
    appendFileSync(path.join(this.buffer, last), torn);
  }

  /** @returns its exit code, once it has sent everything */
  async end(): Promise<number | null | undefined> {
    while (this.process?.running === true) await setTimeout(20);
    return this.process?.exitCode;
  }
}

interface Stored {
  readonly name: string;
  readonly timestamp: string;
  readonly value: number;
}

async function storedIn(service: ServiceProcess): Promise<Stored[]> {
  const file = path.join(temporaryFolder('agent-stored'), 'all.ndjson');
  await tracking({ DATA_DIR: service.dataDirectory }, 'export', file, '--namespace', NAMESPACE);
  return readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Stored);
}

function compare(
  stored: readonly Stored[],
  begun: ReadonlySet<number>,
  kept: ReadonlySet<number>,
): { readonly lost: number; readonly strange: number; readonly doubled: number } {
  const found = new Set<string>();
  let [doubled, strange] = [0, 0];
  for (const { name, timestamp, value } of stored) {
    const time = Date.parse(timestamp);
    const key = `${name} ${time}`;
    if (found.has(key)) doubled++;
    if (!begun.has(time) || value !== time / INTERVAL) strange++;
    found.add(key);
  }
  const lost = [...kept].flatMap((time) => FIGURES.filter((name) => !found.has(`${name} ${time}`))).length;
  return { lost, strange, doubled };
}
