/** Characters of all keys of one generation, and how many of them there may be. */
const MAX_CHARACTERS = 2 ** 24;
const MAX_ENTRIES = 100_000;

/**
 * Remembers what the words of another program became, such as a series: making it takes many times as long as finding
 * it again, and agents send the same words over and over. What was not asked for lately is forgotten.
 */
export class RecentlyUsed<Value> {
  private recent = new Map<string, Value>();
  private older = new Map<string, Value>();
  private characters = 0;

  /** @param key - equal for equal words, and only for them */
  find(key: string, make: () => Value): Value {
    const known = this.recent.get(key);
    if (known !== undefined) return known;
    const value = this.older.get(key) ?? make();
    this.characters += key.length;
    if (this.recent.size >= MAX_ENTRIES || this.characters > MAX_CHARACTERS) {
      this.older = this.recent;
      this.recent = new Map();
      this.characters = key.length;
    }
    this.recent.set(key, value);
    return value;
  }
}

/** A text as a part of a key: its length in front, so that no two rows of texts make the same key. */
export function framed(text: string): string {
  return `${text.length} ${text}`;
}
