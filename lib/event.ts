import { hash } from 'node:crypto';
import Joi from 'joi';
import { type Mistake, TrackingError } from './errors.js';
import { type Nanoseconds, parseDateTime, parseUnixSeconds } from './time.js';

/** An event as it is sent (`api.md`, Tracking). */
export interface TrackedEvent {
  readonly namespace: string;
  readonly name: string;
  /** RFC 3339, or UNIX seconds; left out: the time of receipt. */
  readonly timestamp?: string | number;
  readonly value: number;
  readonly tags?: Tags;
  readonly id?: string;
}

export type Tags = Readonly<Record<string, string>>;

/** One combination of namespace, name and tags. */
export interface Series {
  readonly namespace: string;
  readonly name: string;
  /** Keys in order of code unit. */
  readonly tags: Tags;
  /** Equal for equal series, and only for them. */
  readonly key: string;
}

/** An event as it is stored. */
export interface Point {
  readonly series: Series;
  readonly time: Nanoseconds;
  readonly value: number;
  readonly identity: Identity;
}

/**
 * What makes two points of one series the same one:
 * - `none`: nothing does, each is itself;
 * - `sample`: an equal time, and the last value stays;
 * - `id`: an equal time and id, and the first value stays. The fingerprint is a signed 64-bit hash of both, never 0.
 */
export type Identity =
  { readonly kind: 'none' } | { readonly kind: 'sample' } | { readonly kind: 'id'; readonly fingerprint: bigint };

/** How the events of one request become points. */
export interface Reception {
  /** The time of events that bring none. */
  readonly receivedAt: Nanoseconds;
  /** `sample`: series and timestamp are the identity of each event. */
  readonly identity: 'event' | 'sample';
  /** Gives each event without an id the id `KEY#index`. */
  readonly idempotencyKey?: string;
}

export const MAX_EVENTS_PER_REQUEST = 10_000;
const MAX_TAGS = 16;
const MAX_MISTAKES_LISTED = 100;
const MAX_KEYS_EXPLAINED = 20;

// Characters are code points. Control characters and lone surrogates (which UTF-8 cannot write) are refused.
const TEXT = /^(?!_|\.{1,2}$)[^\p{Cc}\p{Cs}]{1,128}$/u;
const TAG_KEY = /^(?!_|(?:name|time)$)[^\p{Cc}\p{Cs}]{1,64}$/u;
const ID = /^[^\p{Cc}\p{Cs}]{1,128}$/u;

const NO_TAGS: Tags = Object.freeze({});
const ITSELF: Identity = Object.freeze({ kind: 'none' });
const SAMPLE: Identity = Object.freeze({ kind: 'sample' });

const textRule = '1 to 128 characters, no control characters, not starting with "_", not "." or ".."';

function text(rule: RegExp, words: string): Joi.StringSchema {
  return Joi.string()
    .pattern(rule)
    .messages({ 'string.pattern.base': `{{#label}} must be ${words}`, 'string.empty': `{{#label}} must be ${words}` });
}

const timestamp = Joi.any().custom((value: unknown): unknown => {
  if (typeof value !== 'string' && typeof value !== 'number') {
    throw new Error('must be an RFC 3339 date-time such as 2020-11-12T11:10:00Z, or a number of UNIX seconds');
  }
  readTimestamp(value);
  return value;
});

/** What an event must look like, and the words for one that does not. */
export const eventSchema = Joi.object<TrackedEvent>({
  namespace: text(TEXT, textRule).required(),
  name: text(TEXT, textRule).required(),
  timestamp,
  value: Joi.number().strict().unsafe().required().messages({
    'number.base': '{{#label}} must be a finite number',
    'number.infinity': '{{#label}} must be a finite number',
  }),
  tags: Joi.object()
    .pattern(text(TAG_KEY, 'a tag key'), text(TEXT, textRule))
    .max(MAX_TAGS)
    .messages({
      'object.base': '{{#label}} must be an object of strings',
      'object.max': `{{#label}} must have at most ${String(MAX_TAGS)} keys`,
      'object.unknown':
        '{{#label}} is no tag key: 1 to 64 characters, no control characters, not "name" or "time", not starting with "_"',
    }),
  id: text(ID, '1 to 128 characters, no control characters'),
})
  .required()
  .with('id', 'timestamp')
  .messages({
    'object.base': 'must be an event: an object with namespace, name and value',
    'object.unknown': '{{#label}} is not allowed; an event has namespace, name, timestamp, value, tags and id',
    'object.with': 'id needs a timestamp beside it: a time of receipt would differ when the event is sent again',
    'any.required': '{{#label}} is required',
    'any.custom': '{{#label}} {{#error.message}}',
  })
  .prefs({ abortEarly: false, convert: false, errors: { wrap: { label: false } } });

/**
 * Reads the events of one request, all or nothing.
 * @param events - whatever the body held, one element an event
 * @throws TrackingError `invalid` with every bad event by index and path (the first 100, and their number), or
 *   `too-large` where there are more than 10,000
 */
export function readEvents(events: readonly unknown[], reception: Reception): Point[] {
  if (events.length > MAX_EVENTS_PER_REQUEST) {
    throw new TrackingError(
      'too-large',
      `A request may carry at most ${String(MAX_EVENTS_PER_REQUEST)} events, and this one has ${String(events.length)}. Send them in several.`,
    );
  }
  const points: Point[] = [];
  const mistakes: Mistake[] = [];
  let mistakeCount = 0;
  for (let index = 0; index < events.length; index++) {
    const event = events[index];
    const found = isTrackedEvent(event) ? mistakesInReception(event, reception) : explainEvent(event);
    if (found.length === 0) {
      points.push(toPoint(event as TrackedEvent, index, reception));
      continue;
    }
    mistakeCount += found.length;
    for (const mistake of found) {
      if (mistakes.length < MAX_MISTAKES_LISTED) mistakes.push({ index, ...mistake });
    }
  }
  if (mistakeCount > 0) {
    const bad = mistakeCount === 1 ? 'one mistake was' : `${String(mistakeCount)} mistakes were`;
    throw new TrackingError('invalid', `Nothing was stored: ${bad} found in ${String(events.length)} event(s).`, {
      mistakes,
      mistakeCount,
    });
  }
  return points;
}

/**
 * Accepts what is plainly right, in a fraction of the time that the schema takes. What it refuses goes to
 * `explainEvent` for words; `test/event.test.ts` holds the two together.
 */
export function isTrackedEvent(event: unknown): event is TrackedEvent {
  if (typeof event !== 'object' || event === null || Array.isArray(event)) return false;
  const { namespace, name, timestamp, value, tags, id, ...others } = event as Record<string, unknown>;
  if (typeof namespace !== 'string' || !TEXT.test(namespace)) return false;
  if (typeof name !== 'string' || !TEXT.test(name)) return false;
  if (typeof value !== 'number' || !Number.isFinite(value)) return false;
  if (timestamp !== undefined && !isTimestamp(timestamp)) return false;
  if (id !== undefined && (typeof id !== 'string' || !ID.test(id) || timestamp === undefined)) return false;
  if (tags !== undefined && !areTags(tags)) return false;
  for (const _ in others) return false;
  return true;
}

function isTimestamp(value: unknown): value is string | number {
  if (typeof value !== 'string' && typeof value !== 'number') return false;
  try {
    readTimestamp(value);
    return true;
  } catch {
    return false;
  }
}

function areTags(tags: unknown): tags is Tags {
  if (typeof tags !== 'object' || tags === null || Array.isArray(tags)) return false;
  const entries = Object.entries(tags);
  return (
    entries.length <= MAX_TAGS &&
    entries.every(([key, value]) => TAG_KEY.test(key) && typeof value === 'string' && TEXT.test(value))
  );
}

/** Whether a namespace, a name or the value of a tag can be this text. */
export function isText(value: string): boolean {
  return TEXT.test(value);
}

/** Whether the key of a tag can be this text. */
export function isTagKey(key: string): boolean {
  return TAG_KEY.test(key);
}

/** joi takes seconds over hundreds of thousands of keys, and then overflows the stack; so many are one mistake. */
function explainCrowd(event: unknown): Mistake | undefined {
  const keys = countKeys(event);
  if (keys > MAX_KEYS_EXPLAINED) {
    return { message: `has ${keys} keys; an event has namespace, name, timestamp, value, tags and id` };
  }
  const tagKeys = keys === 0 ? 0 : countKeys((event as { readonly tags?: unknown }).tags);
  if (tagKeys <= MAX_KEYS_EXPLAINED) return undefined;
  return { path: 'tags', message: `tags must have at most ${MAX_TAGS} keys` };
}

function countKeys(value: unknown): number {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.keys(value).length : 0;
}

/** Every mistake in an event, in words; none for a good one. */
export function explainEvent(event: unknown): Mistake[] {
  const crowd = explainCrowd(event);
  if (crowd !== undefined) return [crowd];
  const { error } = eventSchema.validate(event);
  if (error === undefined) {
    // joi does not see a key called __proto__, the guard does.
    return isTrackedEvent(event) ? [] : [{ message: 'must not have a key "__proto__"' }];
  }
  return error.details.map((detail) => {
    const path = detail.path.join('.');
    return path === '' ? { message: detail.message } : { path, message: detail.message };
  });
}

function mistakesInReception(event: TrackedEvent, reception: Reception): Mistake[] {
  if (reception.identity === 'sample') {
    if (event.id !== undefined) {
      return [{ path: 'id', message: 'id and identity=timestamp exclude each other: leave one of them out' }];
    }
    if (event.timestamp === undefined) {
      return [{ path: 'timestamp', message: 'timestamp is required with identity=timestamp' }];
    }
  } else if (reception.idempotencyKey !== undefined && event.timestamp === undefined) {
    return [
      {
        path: 'timestamp',
        message: 'timestamp is required with an Idempotency-Key: a time of receipt would differ at the retry',
      },
    ];
  }
  return [];
}

function toPoint(event: TrackedEvent, index: number, reception: Reception): Point {
  const time = event.timestamp === undefined ? reception.receivedAt : readTimestamp(event.timestamp);
  return {
    series: seriesOf(event.namespace, event.name, event.tags),
    time,
    value: event.value === 0 ? 0 : event.value, // -0 and 0 are one number to the people who read them
    identity: identityOf(event, index, time, reception),
  };
}

function identityOf(event: TrackedEvent, index: number, time: Nanoseconds, reception: Reception): Identity {
  if (reception.identity === 'sample') return SAMPLE;
  if (event.id !== undefined) return identityOfId(event.id, time);
  if (reception.idempotencyKey === undefined) return ITSELF;
  return identityOfId(`${reception.idempotencyKey}#${String(index)}`, time);
}

/** The identity of an event with an id, at its exact time. */
export function identityOfId(id: string, time: Nanoseconds): Identity {
  const fingerprint = hash('sha256', `${String(time)} ${id}`, 'buffer').readBigInt64BE();
  return { kind: 'id', fingerprint: fingerprint === 0n ? 1n : fingerprint };
}

/** The series of a namespace, a name and tags in any order. */
export function seriesOf(namespace: string, name: string, tags: Tags = NO_TAGS): Series {
  // No name holds a control character, so NUL keeps the parts apart.
  let key = `${namespace}\0${name}`;
  const keys = Object.keys(tags);
  if (keys.length === 0) return { namespace, name, tags: NO_TAGS, key };
  keys.sort();
  const entries = keys.map((tagKey): [string, string] => [tagKey, tags[tagKey] ?? '']);
  for (const [tagKey, value] of entries) key += `\0${tagKey}\0${value}`;
  return { namespace, name, tags: Object.fromEntries(entries), key };
}

/**
 * Reads an RFC 3339 date-time or UNIX seconds.
 * @throws TrackingError `invalid`
 */
function readTimestamp(value: string | number): Nanoseconds {
  return typeof value === 'string' ? parseDateTime(value) : parseUnixSeconds(value);
}
