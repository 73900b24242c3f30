import Joi from 'joi';
import { isTagKey, isText } from '../event-rules.js';
import { TrackingError } from '../errors.js';
import type { AgentSettings } from './settings.js';

/** The settings as they come out of the check: what depends on the host or on a file is not there yet. */
export type CheckedSettings = Omit<AgentSettings, 'url' | 'namespace' | 'clientSecret'> & {
  readonly url: string;
  readonly namespace: string | null;
  readonly clientSecret: string | null;
  readonly clientSecretFile: string | null;
};

const DURATION = /^(\d{1,9}(?:\.\d+)?)(ms|s|m|h|d)$/;
const MILLISECONDS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const SIZE = /^(\d{1,9})(kB|MB|GB)$/;
const BYTES: Readonly<Record<string, number>> = { kB: 1e3, MB: 1e6, GB: 1e9 };

/** A text that says how much of something, with its unit. */
function quantity(
  pattern: RegExp,
  units: Readonly<Record<string, number>>,
  { least, most, example }: { readonly least: string; readonly most: string; readonly example: string },
): Joi.Schema {
  const read = (text: unknown): number => {
    const [, count, unit = ''] = pattern.exec(String(text)) ?? [];
    return Number(count) * (units[unit] ?? Number.NaN);
  };
  return Joi.any().custom((value: unknown) => {
    const amount = read(value);
    if (amount >= read(least) && amount <= read(most)) return amount;
    const all = Object.keys(units).join(', ');
    throw new Error(
      `must be from ${least} to ${most} with a unit (${all}), such as ${example}, not "${String(value)}"`,
    );
  });
}

/** Several texts: a list in the file, with commas in the environment. */
function list(item: Joi.Schema): Joi.ArraySchema {
  return Joi.array().items(item).single();
}

const number = (least: number, most: number): Joi.NumberSchema =>
  Joi.number()
    .integer()
    .min(least)
    .max(most)
    .messages({ '*': `{{#label}} must be a whole number from ${least} to ${most}, not "{#value}"` });

const text = Joi.any().custom((value: unknown) => {
  if (typeof value === 'string' && isText(value)) return value;
  throw new Error('must be 1 to 128 characters, no control characters, not starting with "_"');
});

const tags = Joi.any().custom((value: unknown) => {
  const entries = Object.entries(tagsIn(value));
  for (const [key, tag] of entries) {
    if (!isTagKey(key)) throw new Error(`"${key}" is no key: 1 to 64 characters, not name or time, no _ in front`);
    if (typeof tag !== 'string' || !isText(tag)) throw new Error(`"${key}" needs a value of 1 to 128 characters`);
  }
  // The service takes sixteen, and figures bring one of their own.
  if (entries.length > 12) throw new Error('must be twelve at most');
  return Object.fromEntries(entries);
});

/** `key=value`, several with commas, or an object. */
function tagsIn(value: unknown): object {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  const pairs = (Array.isArray(value) ? (value as unknown[]) : [value]).flatMap((item) => String(item).split(','));
  return Object.fromEntries(
    pairs.map((pair) => {
      const equals = pair.indexOf('=');
      if (equals < 1) throw new Error(`must be key=value, not "${pair}"`);
      return [pair.slice(0, equals).trim(), pair.slice(equals + 1).trim()];
    }),
  );
}

const optional = Joi.string().allow(null).default(null);

/** The address is logged and shown, and the requests have credentials of their own. */
function withoutCredentials(url: string): string {
  if (!/^https?:\/\/[^/?#]*@/i.test(url)) return url;
  throw new Error('must hold neither a user name nor a password: clientId and clientSecret are set by themselves');
}

function schemaFor(purpose: 'send' | 'look'): Joi.ObjectSchema {
  const needed = (example: string): Joi.StringSchema => {
    const schema = Joi.string().messages({ 'any.required': `{{#label}} is required, such as ${example}` });
    return purpose === 'send' ? schema.required() : schema.default('');
  };
  return Joi.object({
    url: (purpose === 'send' ? needed('https://tracking.example.org') : Joi.string().default('http://localhost:8000'))
      .uri({ scheme: ['http', 'https'] })
      .custom(withoutCredentials)
      .messages({ 'string.uriCustomScheme': '{{#label}} must be an address such as https://tracking.example.org' }),
    clientId: needed('the id that "tracking application add" printed'),
    clientSecret: optional,
    clientSecretFile: optional,
    namespace: text.default(null),
    tags: tags.default({}),
    interval: quantity(DURATION, MILLISECONDS, { least: '1s', most: '1h', example: '10s' }).default(10_000),
    include: list(Joi.string()).default([]),
    exclude: list(Joi.string()).default([]),
    buffer: Joi.string().default('/var/lib/tracking-agent'),
    bufferTime: quantity(DURATION, MILLISECONDS, { least: '1m', most: '3660d', example: '24h' }).default(86_400_000),
    bufferSize: quantity(SIZE, BYTES, { least: '1MB', most: '1000GB', example: '200MB' }).default(200e6),
    batch: number(1, 10_000).default(5000),
    timeout: quantity(DURATION, MILLISECONDS, { least: '100ms', most: '10m', example: '30s' }).default(30_000),
    statsd: number(0, 65_535).allow(null).default(null),
    statsdSocket: optional,
    percentiles: list(
      Joi.number()
        .greater(0)
        .less(100)
        .messages({ '*': '{{#label}} must be a number between 0 and 100, such as 90 or 99.9, not "{#value}"' }),
    ).default([90]),
    logLevel: Joi.valid('error', 'warn', 'info', 'debug')
      .default('info')
      .messages({ 'any.only': '{{#label}} must be error, warn, info or debug, not "{#value}"' }),
  })
    .messages({
      'any.custom': '{{#label}} {{#error.message}}',
      'object.unknown': '{{#label}} is no setting; deploy/tracking-agent.json5 lists them all',
      'string.empty': '{{#label}} must not be empty',
    })
    .prefs({ abortEarly: false, errors: { wrap: { label: false } } });
}

const NO_SECRET =
  'clientSecret is required, or clientSecretFile with the path of a file that holds it (the environment has TRACKING_AGENT_CLIENT_SECRET; the command line, which others can read, has none)';

/** Those that are lists, so that the environment can have commas. */
const LISTS = ['include', 'exclude', 'percentiles'];

/** @throws TrackingError `invalid` with a sentence for each mistake */
export function checkAgentSettings(
  input: Readonly<Record<string, unknown>>,
  purpose: 'send' | 'look',
): CheckedSettings {
  const split = Object.entries(input).map(([name, value]) => [
    name,
    LISTS.includes(name) && typeof value === 'string' ? value.split(',').map((item) => item.trim()) : value,
  ]);
  const result = schemaFor(purpose).validate(Object.fromEntries(split));
  const mistakes = result.error?.details.map(({ message }) => message) ?? [];
  if (purpose === 'send' && (input.clientSecret ?? input.clientSecretFile ?? null) === null) mistakes.push(NO_SECRET);
  if (mistakes.length === 0) return result.value as CheckedSettings;
  const sentences = mistakes.map((mistake) => `- ${mistake}.`);
  throw new TrackingError('invalid', ['The agent cannot start with these settings:', ...sentences].join('\n'));
}
