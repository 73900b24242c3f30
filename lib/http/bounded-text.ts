import { hash } from 'node:crypto';

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
  // A copy: a part of the text would keep all of it.
  return Buffer.from(`${text.slice(0, longest)}~${hash('sha256', text)}`).toString();
}
