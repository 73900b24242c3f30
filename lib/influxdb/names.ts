/**
 * Which characters of a name line protocol would not give back, and how they are written instead.
 *
 * InfluxDB reads every name back as it was written, except: a backslash at the end (refused in a tag, and in a
 * measurement it swallows the tag after it), a backslash before a comma, a space or `=`, and in a measurement a
 * backslash before a double quote or a `#` at the start (both are dropped and answered 204). And no filter finds the tag
 * key `$`, which the storage engine takes for the value, or one with an `@` in it (influxd 2.7.12). Just those
 * characters are written as `%5C`, `%23`, `%24` and `%40`, and the `%` of a literal `%5C`, `%23`, `%24`, `%25` or `%40`
 * as `%25`. Who writes Flux by hand uses these spellings.
 */

const ESCAPES = /%(?=5C|23|24|25|40)/g;
const LOST_BACKSLASHES = /\\(?=[, =]|$)/g;
const QUOTED_BACKSLASHES = /\\(?=")/g;
const SPELLED = /%(5C|23|24|25|40)/g;

/** A namespace as InfluxDB's measurement. */
export function measurementOf(namespace: string): string {
  const spelled = tagTextOf(namespace).replace(QUOTED_BACKSLASHES, '%5C');
  return spelled.startsWith('#') ? `%23${spelled.slice(1)}` : spelled;
}

/** A tag key as InfluxDB's. */
export function tagKeyOf(key: string): string {
  const spelled = tagTextOf(key);
  if (spelled === '$') return '%24';
  return spelled.includes('@') ? spelled.replaceAll('@', '%40') : spelled;
}

/** A tag value, or an event's name as the value of the tag `name`. */
export function tagTextOf(text: string): string {
  return text.includes('%') || text.includes('\\')
    ? text.replace(ESCAPES, '%25').replace(LOST_BACKSLASHES, '%5C')
    : text;
}

/** The name that `measurementOf`, `tagKeyOf` or `tagTextOf` wrote. */
export function nameOf(spelled: string): string {
  return spelled.includes('%') ? spelled.replace(SPELLED, character) : spelled;
}

function character(_spelling: string, code: string): string {
  return String.fromCharCode(Number.parseInt(code, 16));
}
