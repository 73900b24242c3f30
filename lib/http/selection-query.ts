import type { Selection } from '../aggregation.js';
import type { Mistake } from '../errors.js';
import { isTagKey } from '../event-rules.js';
import { now } from '../time.js';
import { type Parameter, mistakenParameters, readParameters, unknownParameter } from './parameters.js';
import { readRange } from './time-parameter.js';

export const TAG_PREFIX = 'tag.';
export const tagKeyRule =
  'a tag key: 1 to 64 characters, no control characters, not "name" or "time", not starting with "_"';

const SELECTING = ['tsMin', 'tsMax', 'tag.KEY'];

/**
 * Reads which events an address is about, where it asks nothing of them.
 * @throws TrackingError `invalid` with every mistake in the query string
 */
export function readSelection(namespace: string, name: string, querystring: string, moment = now()): Selection {
  const parameters = readParameters(querystring);
  const mistakes: Mistake[] = [];
  const tags = readTags(parameters, mistakes);
  const texts = readTexts(parameters, SELECTING, mistakes);
  for (const [path, text] of texts) {
    // Rather a variable that was not set than a wish for all there is.
    if (text === '') mistakes.push({ path, message: `${path} must not be empty` });
  }
  const { bounds } = readRange(Object.fromEntries(texts), 'UTC', moment, mistakes);
  if (mistakes.length > 0) throw mistakenParameters(mistakes);
  return { namespace, name, tags, ...bounds };
}

/** The values wanted of each tag; mistakes are added to the others. */
export function readTags(parameters: readonly Parameter[], mistakes: Mistake[]): Record<string, string[]> {
  const tags = new Map<string, string[]>();
  for (const [parameter, value] of parameters) {
    if (!parameter.startsWith(TAG_PREFIX)) continue;
    const key = parameter.slice(TAG_PREFIX.length);
    if (!isTagKey(key)) mistakes.push({ path: parameter, message: `"${key}" must be ${tagKeyRule}` });
    tags.set(key, [...(tags.get(key) ?? []), value]);
  }
  return Object.fromEntries(tags);
}

/** The parameters that may be given once, all but those of tags; mistakes are added to the others. */
export function readTexts(
  parameters: readonly Parameter[],
  allowed: readonly string[],
  mistakes: Mistake[],
): Map<string, string> {
  const texts = new Map<string, string>();
  for (const [key, value] of parameters) {
    if (key.startsWith(TAG_PREFIX)) continue;
    if (!allowed.includes(key)) mistakes.push(unknownParameter(key, allowed));
    else if (texts.has(key)) mistakes.push({ path: key, message: `${key} may be given only once` });
    else texts.set(key, value);
  }
  return texts;
}
