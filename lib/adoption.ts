import { hash } from 'node:crypto';
import { isTagKey, isText, MAX_TAGS, MAX_TEXT } from './event-rules.js';
import { type Series, seriesOf, type Tags } from './event.js';

/**
 * How series that other programs name become series of ours, whatever they are called: nothing is refused for its name,
 * and what was two series stays two.
 *
 * - What is reserved here (a tag `name` or `time`, what begins with `_`, and `.` and `..`) gets `exported_` before it, as
 *   Prometheus does with labels that it needs for itself; once more where there is such a tag already, and a hash where
 *   there is that one too.
 * - What is too long is cut, and ends with `~` and 16 hexadecimal digits of a hash of the whole.
 * - A control character, and half of a surrogate pair, becomes a space.
 * - A tag without a value is no tag.
 * - Beyond 16 tags, those that come last by their keys stand together in one tag `more`, as `key=value,key=value`.
 */
export function adoptSeries(namespace: string, name: string, tags: Iterable<readonly [string, string]>): Series {
  return seriesOf(adoptText(namespace), adoptText(name), adoptTags(tags));
}

const MAX_KEY = 64; // characters, as in event-rules.ts
const HASH = 16; // hexadecimal digits: of millions of names no two are likely to share them
const NO_CHARACTER = /[\p{Cc}\p{Cs}]/gu;

/** A namespace, a name, or the value of a tag, as one of ours. An empty one is `unnamed`. */
export function adoptText(text: string): string {
  if (isText(text)) return text;
  return fitted(text === '' ? 'unnamed' : text, isText, MAX_TEXT);
}

/** Tags with keys and values of ours. */
export function adoptTags(tags: Iterable<readonly [string, string]>): Tags {
  const adopted = new Map<string, string>();
  const others = new Map<string, string>();
  for (const [key, value] of tags) {
    if (value !== '' && key !== '') (isTagKey(key) ? adopted : others).set(key, adoptText(value));
  }
  for (const [key, value] of others) {
    const own = fitted(key, isTagKey, MAX_KEY);
    const free = adopted.has(own) ? fitted(`exported_${own}`, isTagKey, MAX_KEY) : own;
    adopted.set(adopted.has(free) ? shortened(free, key, MAX_KEY) : free, value);
  }
  if (adopted.size <= MAX_TAGS) return Object.fromEntries(adopted);
  const sorted = [...adopted].sort(([one], [other]) => (one < other ? -1 : 1));
  const rest = sorted.splice(MAX_TAGS - 1).map(([key, value]) => `${key}=${value}`);
  // Where one of those that stay is called so, it goes with the others.
  const more = sorted.findIndex(([key]) => key === 'more');
  if (more >= 0) rest.unshift(...sorted.splice(more, 1).map(([key, value]) => `${key}=${value}`));
  return Object.fromEntries([...sorted, ['more', adoptText(rest.join(','))]]);
}

function fitted(text: string, fits: (text: string) => boolean, length: number): string {
  // So much is too long whatever it holds, and what stands behind it counts in the hash alone.
  const plain = text.slice(0, 2 * length + 1).replace(NO_CHARACTER, ' ');
  if (fits(plain)) return plain;
  const exported = `exported_${plain}`;
  // What is too long begins with `_` perhaps as well.
  const named = /^(?:_|\.{1,2}$)/.test(plain) || fits(exported) ? exported : plain;
  return fits(named) ? named : shortened(named, text, length);
}

function shortened(plain: string, whole: string, length: number): string {
  const kept = Array.from(plain)
    .slice(0, length - HASH - 1)
    .join('');
  return `${kept}~${hash('sha256', whole).slice(0, HASH)}`;
}
