import Joi from 'joi';
import type { Mistake } from './errors.js';
import type { Tags, TrackedEvent } from './event.js';
import { parseTimestamp } from './time.js';

export const MAX_TAGS = 16;
/** Characters of a namespace, a name, or the value of a tag. */
export const MAX_TEXT = 128;
const MAX_KEYS_EXPLAINED = 20;

// Characters are code points. Control characters and lone surrogates (which UTF-8 cannot write) are refused.
export const TEXT = /^(?!_|\.{1,2}$)[^\p{Cc}\p{Cs}]{1,128}$/u;
export const TAG_KEY = /^(?!_|(?:name|time)$)[^\p{Cc}\p{Cs}]{1,64}$/u;
export const ID = /^[^\p{Cc}\p{Cs}]{1,128}$/u;

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
  parseTimestamp(value);
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
    parseTimestamp(value);
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

/** So that no answer repeats megabytes of a key that somebody sent. */
const LONGEST = 400;

function shortened(text: string): string {
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST / 2)}…${text.slice(-LONGEST / 4)}`;
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
    const path = shortened(detail.path.join('.'));
    const message = shortened(detail.message);
    return path === '' ? { message } : { path, message };
  });
}
