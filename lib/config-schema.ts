import Joi from 'joi';
import type { InfluxDBSettings, NatsSettings, Settings } from './config.js';
import { readDuration } from './retention.js';

/** The environment variable that sets each setting. */
export interface Variables {
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

/** The settings as they come out of the check: what depends on other settings is not settled yet. */
export type CheckedSettings = Omit<Settings, 'duckdb' | 'influxdb' | 'nats' | 'bootstrap'> & {
  readonly duckdb: { readonly path: string | null };
  readonly influxdb: { readonly [Key in keyof InfluxDBSettings]: string | null };
  readonly nats: NatsSettings;
  readonly bootstrap: Readonly<Record<'clientId' | 'clientSecret', string | null>>;
};

/** What may stand in the settings files, labelled by the environment variable that sets it: gives `CheckedSettings`. */
export function schemaOf(variables: Variables): Joi.ObjectSchema {
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

function optional(label: string): Joi.StringSchema {
  return Joi.string().allow(null).label(label);
}

/** What InfluxDB needs, and nothing else does. */
function needed(label: string): Joi.StringSchema {
  return Joi.string()
    .label(label)
    .when(Joi.ref('/store'), { is: 'influxdb', otherwise: Joi.allow(null) })
    .messages({ 'string.base': '{#label} is required for InfluxDB' });
}

function number(label: string, least: number, most: number): Joi.NumberSchema {
  const rule = `{#label} must be a number from ${least} to ${most}, not "{#value}"`;
  return Joi.number().min(least).max(most).label(label).messages({
    'number.base': rule,
    'number.min': rule,
    'number.max': rule,
    'number.integer': `{#label} must be a whole number, not "{#value}"`,
  });
}

/** A part of a CloudEvent. */
function part(label: string): Joi.StringSchema {
  return Joi.string()
    .pattern(/^[\w-]+(?:\.[\w-]+)*$/)
    .label(label)
    .messages({
      'string.pattern.base': '{#label} must be an attribute such as source, or a path such as data.total',
    });
}
