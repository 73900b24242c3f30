import { openSync, writeSync } from 'node:fs';
import process from 'node:process';
import { Agent } from '../../lib/agent/agent.js';
import type { Figure } from '../../lib/agent/figure.js';
import { createLogger } from '../../lib/log.js';
import { StepClock } from '../agent/step-clock.js';
import { type AgentRun, FIGURES, INTERVAL, MARKS, NAMESPACE } from './agent-run.js';

/**
 * The agent on a fast clock, in a process that can be killed. It takes down in a file, which survives it, when it is about
 * to keep the samples of an interval and when they are on disk. After the last interval it ends once all are sent.
 */
const run = JSON.parse(process.argv[2] ?? '') as AgentRun;
const ledger = openSync(run.ledger, 'a');
const clock = new StepClock(run.from, INTERVAL);
const logger = createLogger({ level: 'info', human: false });

const agent = await Agent.open({
  settings: {
    url: new URL(run.url),
    clientId: run.clientId,
    clientSecret: run.clientSecret,
    namespace: NAMESPACE,
    tags: { host: 'one' },
    interval: INTERVAL,
    include: [],
    exclude: [],
    buffer: run.buffer,
    bufferTime: Infinity,
    bufferSize: Infinity,
    batch: 2000,
    timeout: 400,
    statsd: null,
    statsdSocket: null,
    percentiles: [],
    logLevel: 'info',
  },
  clock,
  logger,
  version: 'test',
  figures: { read: () => Promise.resolve(figuresAt(clock.now())) },
  kept: (events) => {
    const [first] = events;
    if (first?.timestamp !== undefined) note(MARKS.kept, Number(first.timestamp));
  },
});

let started = false;

/** The value says which interval it is of. */
function figuresAt(now: number): Figure[] {
  const time = Math.floor(now / INTERVAL) * INTERVAL;
  // The first reading is what rates would be counted from.
  if (!started || time > run.until) {
    started = true;
    return [];
  }
  note(MARKS.begun, time / 1000);
  return FIGURES.map((name) => ({ name, value: time / INTERVAL }));
}

function note(mark: string, seconds: number): void {
  writeSync(ledger, `${mark}${seconds}\n`);
}

const watch = setInterval(() => {
  if (clock.now() <= run.until || agent.status().buffered.events > 0) return;
  clearInterval(watch);
  agent.stop();
}, 20);

await agent.run();
