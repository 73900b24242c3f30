import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { spawnAgent } from '../test/servers/agent.js';
import { temporaryFolder } from '../test/servers/lifetime.js';
import { freePort, ServerProcess } from '../test/servers/process.js';
import { CLI, ServiceProcess } from '../test/servers/service.js';
import { processorSeconds } from './processor-time.js';

/**
 * What the agent costs its host at an interval of ten seconds, beside Debian's prometheus-node-exporter asked as often:
 * processor time and resident memory, from /proc.
 */
const MINUTES = Number(process.env.MINUTES ?? 30);
const INTERVAL = 10_000; // ms
const EXPORTER = process.env.NODE_EXPORTER ?? 'prometheus-node-exporter';

/** Megabytes, of `VmRSS` and the like. */
function memory(pid: number, name: 'VmRSS' | 'VmHWM'): number {
  const [, kibibytes = ''] =
    new RegExp(`${name}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return (Number(kibibytes) * 1024) / 1e6;
}

class Measured {
  private readonly atStart: number;
  private readonly since = performance.now();
  private largest = 0;

  constructor(
    readonly name: string,
    private readonly pid: number,
  ) {
    this.atStart = processorSeconds(pid);
  }

  look(): void {
    this.largest = Math.max(this.largest, memory(this.pid, 'VmRSS'));
  }

  row(): string[] {
    const spent = processorSeconds(this.pid) - this.atStart;
    const share = (spent / ((performance.now() - this.since) / 1000)) * 100;
    return [
      this.name,
      this.atStart.toFixed(2),
      spent.toFixed(2),
      share.toFixed(3),
      memory(this.pid, 'VmRSS').toFixed(1),
      this.largest.toFixed(1),
      memory(this.pid, 'VmHWM').toFixed(1),
    ];
  }
}

function pidOf(process: ServerProcess): number {
  if (process.pid === undefined) throw new Error('A process did not start.');
  return process.pid;
}

const service = await ServiceProcess.start();
const folder = temporaryFolder('bench-agent');
const buffer = path.join(folder, 'buffer');
const agent = spawnAgent(service, folder, '--buffer', buffer, '--interval', `${INTERVAL}ms`, '--statsd', '0');
const port = await freePort();
const exporter = ServerProcess.spawn(
  EXPORTER,
  [`--web.listen-address=127.0.0.1:${port}`],
  path.join(folder, 'exporter.log'),
);
const scrape = async (): Promise<void> => {
  await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
};
await exporter.ready(scrape);
await setTimeout(INTERVAL);

// Starting is a cost once; what counts is what it costs for years.
const measured = [new Measured('agent', pidOf(agent)), new Measured('node exporter', pidOf(exporter))];
const end = performance.now() + MINUTES * 60_000;
while (performance.now() < end) {
  await setTimeout(INTERVAL);
  await scrape();
  for (const one of measured) one.look();
}
const head = ['', 'CPU s at start', 'CPU s since', '% of a core', 'RSS MB', 'largest', 'largest ever'];
for (const row of [head, ...measured.map((one) => one.row())]) console.log(row.map((cell) => cell.padEnd(16)).join(''));

const status = execFileSync(process.execPath, [CLI, 'agent', 'status', '--buffer', buffer], { encoding: 'utf8' });
console.log(`\n${MINUTES} minutes at ${INTERVAL / 1000} s. The agent's status:\n${status}`);
await agent.signal('SIGTERM');
await exporter.signal('SIGTERM');
await service.stop();
