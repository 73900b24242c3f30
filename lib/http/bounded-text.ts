import { isUtf8 } from 'node:buffer';
import { createHash, hash } from 'node:crypto';
import { owned } from '../owned-text.js';

/** Twice as many as the longest name of ours has characters, for some take two units. */
const LONGEST_NAME = 256;

/**
 * A text of a message that many others may refer to, such as an attribute of a resource: what is too long for a name of
 * ours has a hash in place of all that would be cut off anyway. Otherwise one text of megabytes, which compresses to
 * nothing, would be copied and looked through for each of ten thousand points. Different texts stay different ones.
 * @param longest - of what is kept before the hash, in UTF-16 units
 */
export function boundedText(text: string, longest = LONGEST_NAME): string {
  if (text.length <= longest) return text;
  return withHash(text, longest, hash('sha256', text));
}

/** Stands for what is no UTF-8, or for itself. */
const NO_UTF8 = '\uFFFD';

/** Bytes that are made text at once: more characters than are kept, and three of them are four characters of base64. */
const PART_BYTES = 3 * 1024;

/**
 * The same of a text in UTF-8 that stands in a body, without a text of megabytes between.
 * @throws TypeError where it is none
 */
export function boundedUtf8(body: Buffer, start: number, end: number): string {
  const isLong = end - start > PART_BYTES;
  const text = body.toString('utf8', start, isLong ? start + PART_BYTES : end);
  if (!isLong && !text.includes(NO_UTF8)) return boundedText(text);
  const bytes = body.subarray(start, end);
  if (!isUtf8(bytes)) throw new TypeError('a text is not valid UTF-8');
  return isLong ? withHash(text, LONGEST_NAME, hash('sha256', bytes)) : boundedText(text);
}

/** The same of bytes in base64. */
export function boundedBase64(bytes: Buffer): string {
  const text = bytes.toString('base64', 0, PART_BYTES);
  if (bytes.length <= PART_BYTES) return boundedText(text);
  const whole = createHash('sha256');
  for (let at = 0; at < bytes.length; at += PART_BYTES) whole.update(bytes.toString('base64', at, at + PART_BYTES));
  return withHash(text, LONGEST_NAME, whole.digest('hex'));
}

function withHash(text: string, longest: number, digest: string): string {
  return owned(`${text.slice(0, longest)}~${digest}`);
}
