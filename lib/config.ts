import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import Joi from 'joi';
import { Load } from 'config/lib/util.js';
import { TrackingError } from './errors.js';
import { readDuration } from './retention.js';

/** The settings, checked and complete; `config/default.json5` and `sample.env` explain each. */
export interface Settings {
  readonly environmentType: 'DEBUG' | 'PRODUCTION';
  readonly http: { readonly host: string; readonly port: number; readonly issuerUrl: string | null };
  readonly log: { readonly level: 'error' | 'warn' | 'info' | 'debug' };
  readonly data: { readonly directory: string };
  readonly store: 'duckdb' | 'influxdb';
  readonly duckdb: { readonly path: string };
  readonly influxdb: InfluxDBSettings | null;
  readonly queue: 'none' | 'nats';
  readonly nats: NatsSettings | null;
  readonly ingest: {
    readonly maxWaitingEvents: number;
    readonly maxPendingMegabytes: number;
    readonly timeoutSeconds: number;
  };
  readonly lineProtocol: { readonly strings: 'refuse' | 'drop' };
  /** Which attributes of OpenTelemetry become tags; null: all. */
  readonly opentelemetry: { readonly resourceTags: readonly string[]; readonly tags: readonly string[] | null };
  /** Seconds; null for ever. */
  readonly retention: { readonly seconds: number | null; readonly checkMinutes: number };
  /** Attributes of CloudEvents such as `source`, or paths such as `data.order.total`; the value is a path in `data`. */
  readonly cloudEvents: {
    readonly namespace: string;
    readonly name: string;
    readonly value: string;
    readonly tags: readonly string[];
  };
  readonly bootstrap: { readonly clientId: string; readonly clientSecret: string } | null;
}

export interface InfluxDBSettings {
  readonly url: string;
  readonly token: string;
  readonly org: string;
  readonly bucket: string;
}

export interface NatsSettings {
  readonly url: string;
  readonly monitorUrl: string | null;
  readonly stream: string;
  readonly replicas: 1 | 3 | 5;
}

/** The folder of this package: above `lib/`, or above `dist/lib/` once compiled. */
export const PACKAGE_FOLDER = packageFolder();

function packageFolder(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  const above = join(here, '..');
  return existsSync(join(above, 'package.json')) ? above : join(above, '..');
}

/** What may stand in the settings files, labelled by the environment variable that sets it. */
function schemaOf(variables: Variables): Joi.ObjectSchema {
  const {
    http,
    log,
    data,
    duckdb,
    influxdb,
    nats,
    ingest,
    lineProtocol,
    opentelemetry,
    retention,
    cloudEvents,
    bootstrap,
  } = variables;
  const optional = (label: string): Joi.StringSchema => Joi.string().allow(null).label(label);
  const needed = (label: string): Joi.StringSchema =>
    Joi.string()
      .label(label)
      .when(Joi.ref('/store'), { is: 'influxdb', otherwise: Joi.allow(null) })
      .messages({ 'string.base': '{#label} is required for InfluxDB' });
  const number = (label: string, least: number, most: number): Joi.NumberSchema => {
    const rule = `{#label} must be a number from ${least} to ${most}, not "{#value}"`;
    return Joi.number().min(least).max(most).label(label).messages({
      'number.base': rule,
      'number.min': rule,
      'number.max': rule,
      'number.integer': `{#label} must be a whole number, not "{#value}"`,
    });
  };
  const part = (label: string): Joi.StringSchema =>
    Joi.string()
      .pattern(/^[\w-]+(?:\.[\w-]+)*$/)
      .label(label)
      .messages({
        'string.pattern.base': '{#label} must be an attribute such as source, or a path such as data.total',
      });
  return Joi.object({
    environmentType: Joi.valid('DEBUG', 'PRODUCTION').label(variables.environmentType),
    http: {
      host: Joi.string().hostname().label(http.host).messages({
        'string.hostname': '{#label} must be an address to listen on, such as 127.0.0.1 or 0.0.0.0',
      }),
      port: number(http.port, 0, 65_535).integer(),
      issuerUrl: optional(http.issuerUrl).uri({ scheme: ['http', 'https'] }),
    },
    log: { level: Joi.valid('error', 'warn', 'info', 'debug').label(log.level) },
    data: { directory: Joi.string().label(data.directory) },
    store: Joi.valid('duckdb', 'influxdb').label(variables.store),
    duckdb: { path: optional(duckdb.path) },
    influxdb: {
      url: needed(influxdb.url).uri({ scheme: ['http', 'https'] }),
      token: needed(influxdb.token),
      org: needed(influxdb.org),
      bucket: needed(influxdb.bucket),
    },
    queue: Joi.valid('none', 'nats').label(variables.queue),
    nats: {
      url: Joi.string()
        .pattern(/^(?:nats|tls):\/\/[^\s,/]+(?:,(?:nats|tls):\/\/[^\s,/]+)*$/)
        .label(nats.url)
        .messages({ 'string.pattern.base': '{#label} must be an address such as nats://127.0.0.1:4222' }),
      monitorUrl: optional(nats.monitorUrl).uri({ scheme: ['http', 'https'] }),
      stream: Joi.string()
        .pattern(/^[\w-]{1,64}$/)
        .label(nats.stream)
        .messages({ 'string.pattern.base': '{#label} must have 1 to 64 characters of A-Z a-z 0-9 _ -' }),
      replicas: Joi.number()
        .valid(1, 3, 5)
        .label(nats.replicas)
        .messages({ 'any.only': '{#label} must be 1, 3 or 5, not "{#value}"' }),
    },
    ingest: {
      maxWaitingEvents: number(ingest.maxWaitingEvents, 10_000, 10_000_000).integer(),
      maxPendingMegabytes: number(ingest.maxPendingMegabytes, 32, 65_536),
      timeoutSeconds: number(ingest.timeoutSeconds, 1, 600),
    },
    lineProtocol: { strings: Joi.valid('refuse', 'drop').label(lineProtocol.strings) },
    opentelemetry: {
      resourceTags: Joi.string().allow('').label(opentelemetry.resourceTags).custom(listOf),
      tags: optional(opentelemetry.tags).custom(listOf),
    },
    retention: {
      seconds: optional(retention.seconds).custom(readDuration),
      checkMinutes: number(retention.checkMinutes, 1, 1440),
    },
    cloudEvents: {
      namespace: part(cloudEvents.namespace),
      name: part(cloudEvents.name),
      value: part(cloudEvents.value),
      tags: Joi.string()
        .pattern(/^ *(?:\*|[\w.-]+) *(?:, *(?:\*|[\w.-]+) *)*$/)
        .label(cloudEvents.tags)
        .messages({ 'string.pattern.base': '{#label} must be a list such as subject,data.country, or *' })
        .custom(listOf),
    },
    bootstrap: Joi.object({
      clientId: optional(bootstrap.clientId).pattern(/^[\w.~-]{1,128}$/),
      clientSecret: optional(bootstrap.clientSecret)
        .pattern(/^[!-$&-~]{1,256}$/)
        .messages({
          'string.pattern.base':
            '{#label} must have 1 to 256 printable ASCII characters, no spaces and no percent signs',
        }),
    }).custom((value: Record<'clientId' | 'clientSecret', string | null>, helpers) =>
      (value.clientId === null) === (value.clientSecret === null) ? value : helpers.error('bootstrap.both'),
    ),
  }).messages({
    'any.custom': '{#label} {#error.message}',
    'any.only': '{#label} must be one of {#valids}, not "{#value}"',
    'object.unknown': '{#label} is no setting; config/default.json5 lists them all',
    'string.pattern.base': '{#label} must have 1 to 128 characters of A-Z a-z 0-9 - . _ ~',
    'string.uriCustomScheme': '{#label} must be an address such as http://localhost:8086, not "{#value}"',
    'bootstrap.both': `${bootstrap.clientId} and ${bootstrap.clientSecret} must be set both, or neither`,
  });
}

/** The parts of a text between commas, without those that are blank. */
export function listOf(text: string): string[] {
  return text.split(',').flatMap((part) => (part.trim() === '' ? [] : [part.trim()]));
}

interface Variables {
  readonly environmentType: string;
  readonly store: string;
  readonly http: Readonly<Record<'host' | 'port' | 'issuerUrl', string>>;
  readonly log: Readonly<Record<'level', string>>;
  readonly data: Readonly<Record<'directory', string>>;
  readonly duckdb: Readonly<Record<'path', string>>;
  readonly influxdb: Readonly<Record<'url' | 'token' | 'org' | 'bucket', string>>;
  readonly queue: string;
  readonly nats: Readonly<Record<'url' | 'monitorUrl' | 'stream' | 'replicas', string>>;
  readonly ingest: Readonly<Record<'maxWaitingEvents' | 'maxPendingMegabytes' | 'timeoutSeconds', string>>;
  readonly lineProtocol: Readonly<Record<'strings', string>>;
  readonly opentelemetry: Readonly<Record<'resourceTags' | 'tags', string>>;
  readonly retention: Readonly<Record<'seconds' | 'checkMinutes', string>>;
  readonly cloudEvents: Readonly<Record<'namespace' | 'name' | 'value' | 'tags', string>>;
  readonly bootstrap: Readonly<Record<'clientId' | 'clientSecret', string>>;
}

/** What is said of settings that are not right. */
export interface SettingsPurpose {
  /** In place of the store that is set, for what needs two of them. */
  readonly store?: Settings['store'];
  /** What cannot be done with them, as a sentence that ends with a colon. */
  readonly refusal?: string;
}

/**
 * Reads the settings: `config/default.json5`, then files beside it as the `config` package has them (`local.json5`,
 * `production.json5` with NODE_ENV=production), then environment variables; an empty one counts as not set.
 * @throws TrackingError `invalid` with a sentence for each mistake
 */
export function readSettings({ store, refusal = REFUSAL }: SettingsPurpose = {}): Settings {
  const { NODE_CONFIG_DIR: folder = join(PACKAGE_FOLDER, 'config'), NODE_ENV: environment = 'development' } =
    process.env;
  const load = new Load({ configDir: folder, nodeEnv: [environment] });
  load.scan();
  const given = store === undefined ? load.config : { ...load.config, store };
  const result = schemaOf(readVariables(folder)).validate(given, {
    abortEarly: false,
    errors: { wrap: { label: false } },
  });
  if (result.error !== undefined) {
    const sentences = result.error.details.map(({ message }) => `- ${message}.`);
    throw new TrackingError('invalid', [refusal, ...sentences].join('\n'));
  }
  return complete(result.value as Checked);
}

/**
 * Puts the settings of a file such as `.env` into the environment, where they are not set already.
 * @param path - a file that need not exist; a line each, NAME=VALUE, blank or beginning with #
 * @throws TrackingError `invalid` for a line that is none of these, and for names that are no settings
 */
export function loadEnvironmentFile(path: string): void {
  if (!existsSync(path)) return;
  const known = namesOf(readVariables(join(PACKAGE_FOLDER, 'config')));
  const mistakes = readFileSync(path, 'utf8')
    .split(/\r?\n/)
    .flatMap((line, index) => {
      if (/^\s*(#|$)/.test(line)) return [];
      const name = /^\s*(?:export\s+)?(\w+)\s*=/.exec(line)?.[1];
      if (name === undefined) return `- Line ${index + 1} of ${path} is no NAME=VALUE.`;
      // The agent looks at its own.
      return known.includes(name) || name.startsWith('TRACKING_AGENT_')
        ? []
        : `- ${name} in line ${index + 1} of ${path} is no setting; sample.env lists them all.`;
    });
  if (mistakes.length > 0) throw new TrackingError('invalid', [REFUSAL, ...mistakes].join('\n'));
  process.loadEnvFile(path);
}

const REFUSAL = 'These settings are not right:';

function namesOf(variables: object): string[] {
  return Object.values(variables).flatMap((value: unknown) =>
    typeof value === 'string' ? value : typeof value === 'object' && value !== null ? namesOf(value) : [],
  );
}

/** Which environment variable sets which setting, so that sentences name what people have to change. */
function readVariables(folder: string): Variables {
  const load = new Load({ configDir: folder, nodeEnv: [] });
  load.loadFile(join(folder, 'custom-environment-variables.json5'));
  return load.config as Variables;
}

type Checked = Omit<Settings, 'duckdb' | 'influxdb' | 'nats' | 'bootstrap'> & {
  readonly duckdb: { readonly path: string | null };
  readonly influxdb: { readonly [Key in keyof InfluxDBSettings]: string | null };
  readonly nats: NatsSettings;
  readonly bootstrap: Readonly<Record<'clientId' | 'clientSecret', string | null>>;
};

function complete(settings: Checked): Settings {
  const directory = resolve(settings.data.directory);
  return {
    ...settings,
    data: { directory },
    duckdb: { path: resolve(settings.duckdb.path ?? join(directory, 'events.duckdb')) },
    influxdb: settings.store === 'influxdb' ? (settings.influxdb as InfluxDBSettings) : null,
    nats: settings.queue === 'nats' ? settings.nats : null,
    bootstrap: settings.bootstrap.clientId === null ? null : (settings.bootstrap as Settings['bootstrap']),
  };
}
