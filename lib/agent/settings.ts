import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { Load } from 'config/lib/util.js';
import { adoptText } from '../adoption.js';
import { messageOf, TrackingError } from '../errors.js';
import type { Tags } from '../event.js';
import { checkAgentSettings } from './settings-schema.js';

/** The settings of the agent, checked and complete; `deploy/tracking-agent.json5` and the README explain each. */
export interface AgentSettings {
  /** Where the service is. */
  readonly url: URL;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly namespace: string;
  /** Of every event, `host` among them. */
  readonly tags: Tags;
  /** Milliseconds, as all times here. */
  readonly interval: number;
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  /** The directory of what has not been sent. */
  readonly buffer: string;
  readonly bufferTime: number;
  /** Bytes. */
  readonly bufferSize: number;
  /** Events in a request at most. */
  readonly batch: number;
  readonly timeout: number;
  /** UDP port for StatsD; null for none. */
  readonly statsd: number | null;
  /** Path of a Unix socket for StatsD; null for none. */
  readonly statsdSocket: string | null;
  readonly percentiles: readonly number[];
  readonly logLevel: 'error' | 'warn' | 'info' | 'debug';
}

/** What may be set where, as it is written there. */
export type AgentInput = Readonly<Record<string, unknown>>;

const PREFIX = 'TRACKING_AGENT_';

/** Every setting by its name in the settings file; the environment variable is the same with words apart. */
export const SETTING_NAMES = [
  'url',
  'clientId',
  'clientSecret',
  'clientSecretFile',
  'namespace',
  'tags',
  'interval',
  'include',
  'exclude',
  'buffer',
  'bufferTime',
  'bufferSize',
  'batch',
  'timeout',
  'statsd',
  'statsdSocket',
  'percentiles',
  'logLevel',
] as const;

/** The environment variable of a setting: `TRACKING_AGENT_CLIENT_ID` of `clientId`. */
export function variableOf(name: string): string {
  return PREFIX + name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

/**
 * Reads the settings: flags go before environment variables, those before the settings file, and that before defaults.
 * @param flags - as the command line has them, by setting; `config` names the file
 * @param purpose - what needs no service needs no credentials
 * @throws TrackingError `invalid` with a sentence for each mistake
 */
export function readAgentSettings(
  flags: AgentInput,
  environment: NodeJS.ProcessEnv,
  purpose: 'send' | 'look' = 'send',
): AgentSettings {
  const variables = fromEnvironment(environment);
  const { config = environment[`${PREFIX}CONFIG`], ...others } = flags;
  const file = typeof config === 'string' && config !== '' ? fromFile(config) : {};
  const checked = checkAgentSettings({ ...file, ...variables, ...others }, purpose);
  const host = adoptText(hostname());
  return {
    ...checked,
    url: new URL(checked.url),
    clientSecret: checked.clientSecret ?? secretIn(checked.clientSecretFile),
    namespace: checked.namespace ?? host,
    tags: { host, ...checked.tags },
    buffer: resolve(checked.buffer),
  };
}

function fromEnvironment(environment: NodeJS.ProcessEnv): AgentInput {
  const names = new Map<string, string>(SETTING_NAMES.map((name) => [variableOf(name), name]));
  const found: Record<string, unknown> = {};
  const mistakes: string[] = [];
  for (const [variable, value] of Object.entries(environment)) {
    if (!variable.startsWith(PREFIX) || variable === `${PREFIX}CONFIG` || value === '') continue;
    const name = names.get(variable);
    if (name === undefined) mistakes.push(`- ${variable} is no setting; there are ${[...names.keys()].join(', ')}.`);
    else found[name] = value;
  }
  if (mistakes.length > 0) throw new TrackingError('invalid', [REFUSAL, ...mistakes].join('\n'));
  return found;
}

function fromFile(path: string): AgentInput {
  const load = new Load({ configDir: '', nodeEnv: [] });
  try {
    // `config` takes a file that cannot be read for one that is not there.
    readFileSync(path);
    load.loadFile(resolve(path));
  } catch (error) {
    throw new TrackingError('invalid', `${REFUSAL}\n- The settings file ${path} cannot be read: ${messageOf(error)}.`);
  }
  return load.config as AgentInput;
}

function secretIn(path: string | null): string {
  if (path === null) return '';
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    throw new TrackingError('invalid', `${REFUSAL}\n- clientSecretFile cannot be read: ${messageOf(error)}.`);
  }
}

/** What stands above the sentences. */
export const REFUSAL = 'The agent cannot start with these settings:';
