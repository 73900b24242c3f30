import { hash } from 'node:crypto';
import { Generations } from '../generations.js';
import { boundedText } from './bounded-text.js';

/** Roughly the bytes that an entry takes beside its key and its value. */
const ENTRY_BYTES = 100;

/** Longer words are known by a hash: no entry is of megabytes, and no two long ones are compared to their ends. */
const LONGEST_KEY = 4096;

/**
 * Remembers what the words of another program became, such as a series: making it takes many times as long as finding
 * it again, and agents send the same words over and over. What was not asked for lately is forgotten, so that all of it
 * together has a bound.
 */
export class RecentlyUsed<Value> {
  private readonly known = new Generations<Value>();

  /** @param bytesOf - roughly the bytes that a value takes */
  constructor(private readonly bytesOf: (value: Value) => number) {}

  /** @param words - equal for equal words, and only for them */
  find(words: string, make: () => Value): Value {
    const key = boundedText(words, LONGEST_KEY);
    const known = this.known.findRecent(key);
    if (known !== undefined) return known;
    const value = this.known.findOlder(key) ?? make();
    this.known.keep(key, value, ENTRY_BYTES + 2 * key.length + this.bytesOf(value));
    return value;
  }
}

/**
 * A part of a body as words to be found by: equal for equal bytes, and only for them. Of a long one a hash is taken, so
 * that no text of megabytes is made of it.
 */
export function wordsOfBytes(body: Buffer, start: number, end: number): string {
  if (end - start <= LONGEST_KEY) return body.toString('latin1', start, end);
  return `${body.toString('latin1', start, start + LONGEST_KEY)}~${hash('sha256', body.subarray(start, end))}`;
}

/** A text as a part of a key: its length in front, so that no two rows of texts make the same key. */
export function framed(text: string): string {
  return `${text.length} ${text}`;
}
