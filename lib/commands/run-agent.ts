import process from 'node:process';
import { setTimeout } from 'node:timers/promises';
import { Agent, eventsOf, hostFigures } from '../agent/agent.js';
import { stateAtRest } from '../agent/at-rest.js';
import { systemClock } from '../agent/clock.js';
import { PositionFile } from '../agent/position.js';
import { type AgentInput, type AgentSettings, readAgentSettings } from '../agent/settings.js';
import { type AgentStatus, bufferedIn, describeStatus, History } from '../agent/status.js';
import { messageOf, TrackingError } from '../errors.js';
import { codeOf } from '../files/folder.js';
import { type DirectoryLock, sendOrRun, takeOrFind } from '../files/lock.js';
import { createLogger } from '../log.js';
import type { AgentFlags } from './agent.js';

/** Runs the agent until a signal stops it. @throws TrackingError where it cannot start */
export async function runAgent({ once, tag, ...flags }: AgentFlags, version: string): Promise<void> {
  const input: AgentInput = tag === undefined ? flags : { ...flags, tags: tag };
  if (once === true) {
    await printOnce(readAgentSettings(input, process.env, 'look'));
    return;
  }
  const settings = readAgentSettings(input, process.env);
  const lock = await takeBuffer(settings.buffer);
  const logger = createLogger({ level: settings.logLevel, human: process.stdout.isTTY });
  const agent = await Agent.open({ settings, clock: systemClock, logger, version });
  lock.serve({ status: () => Promise.resolve(agent.status()) });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      logger.info('stopping');
      agent.stop();
      process.once(signal, () => process.exit(1));
    });
  }
  const { url, namespace, interval, buffer } = settings;
  logger.info('sending', { url: url.href, namespace, intervalSeconds: interval / 1000, buffer, version });
  try {
    await agent.run();
  } finally {
    await lock.release();
    logger.info('stopped');
    logger.close();
  }
}

/** Two agents would send each other's events, and lose some. */
async function takeBuffer(directory: string): Promise<DirectoryLock> {
  const taken = await takeOrFind(directory).catch((error: unknown) => {
    if (!(error instanceof TrackingError)) throw error;
    const words = error.message.replace('data directory', 'buffer directory').replace('two services', 'two agents');
    throw new TrackingError('unavailable', `${words} Another one is named with --buffer.`, { cause: error });
  });
  if ('lock' in taken) return taken.lock;
  await taken.folder.close();
  const who = taken.holder === 'silent' ? 'another process' : `process ${taken.holder.pid}`;
  throw new TrackingError(
    'unavailable',
    `The buffer directory ${directory} is in use by ${who}. Two agents on one host need a directory each (--buffer).`,
  );
}

const FIRST_SPAN = 1000; // ms that the rates of --once are taken over

async function printOnce(settings: AgentSettings): Promise<void> {
  const figures = hostFigures(settings, console.error);
  await figures.read();
  await setTimeout(FIRST_SPAN);
  const events = eventsOf(await figures.read(), settings, Math.floor(Date.now() / 1000) * 1000);
  if (events.length === 0) {
    throw new TrackingError(
      'not-found',
      'No figure of this host is left by include and exclude; without them all are.',
    );
  }
  process.stdout.write(events.map((event) => `${JSON.stringify(event)}\n`).join(''));
}

/** Prints what an agent is doing, or has done where it does not run. @throws TrackingError where there was never one */
export async function agentStatus({ json, ...flags }: AgentFlags): Promise<void> {
  const { buffer } = readAgentSettings(flags, process.env, 'look');
  await findBuffer(buffer);
  const status = (await sendOrRun(buffer, 'status', undefined, () =>
    Promise.resolve({
      handlers: { status: () => statusAtRest(buffer) },
      close: () => Promise.resolve(),
    }),
  )) as AgentStatus;
  console.log(json === true ? JSON.stringify(status) : describeStatus(status));
}

/** A status makes no buffer where there is none. */
async function findBuffer(directory: string): Promise<void> {
  await PositionFile.find(directory).catch((error: unknown) => {
    const reason =
      codeOf(error) === 'EACCES'
        ? `The buffer directory ${directory} cannot be read: ${messageOf(error)}. Ask as root, or as the user of the agent.`
        : `There is no buffer of an agent in ${directory}. Say where it is with --buffer.`;
    throw new TrackingError('not-found', reason, { cause: error });
  });
}

async function statusAtRest(directory: string): Promise<AgentStatus> {
  const buffered = bufferedIn(await stateAtRest(directory));
  return {
    running: false,
    pid: null,
    startedAt: null,
    url: null,
    statsd: null,
    buffered,
    ...new History(directory).state,
  };
}
