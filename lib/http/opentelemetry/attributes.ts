import { boundedText } from '../bounded-text.js';
import { framed } from '../recently-used.js';

export type Pair = readonly [key: string, value: string];

/**
 * The attributes of a resource or a data point: keys with their values as texts, in the order in which they came. Equal
 * ones are mostly the same object, by which what was made of them is found again.
 */
export class Attributes {
  private ownIdentity: string | undefined;

  /**
   * @param pairs - of texts that are not long
   * @param count - how many they are for `Limits`, which counts the parts of lists and maps as well
   */
  constructor(
    readonly pairs: readonly Pair[],
    readonly count = pairs.length,
  ) {}

  /** Equal for equal attributes, and only for them; not long, however many they are. */
  get identity(): string {
    this.ownIdentity ??= boundedText(textOfPairs(this.pairs));
    return this.ownIdentity;
  }

  /** Roughly the bytes that they take. */
  get bytes(): number {
    let bytes = ATTRIBUTES_BYTES;
    for (const [key, value] of this.pairs) bytes += PAIR_BYTES + 2 * (key.length + value.length);
    return bytes;
  }
}

const ATTRIBUTES_BYTES = 200;
const PAIR_BYTES = 100;

export const NO_ATTRIBUTES = new Attributes([]);

/** Equal for equal pairs in the same order, and only for them. */
export function textOfPairs(pairs: readonly Pair[]): string {
  let text = '';
  for (const [key, value] of pairs) text += framed(key) + framed(value);
  return text;
}

/** A value of an attribute (`AnyValue`); a bigint is an integer, and no text is long. */
export type Value = string | number | bigint | boolean | null | readonly Value[] | { readonly [key: string]: Value };

/** The value as the text of a tag, not long where its texts are not: lists and maps as JSON. */
export function textOfValue(value: Value): string {
  if (typeof value === 'string') return value;
  if (value === null) return '';
  return typeof value === 'object' ? boundedText(JSON.stringify(plain(value))) : String(value);
}

/** JSON knows no bigints. */
function plain(value: Value): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return (value as readonly Value[]).map(plain);
  return Object.fromEntries(Object.entries(value).map(([key, own]) => [key, plain(own)]));
}
