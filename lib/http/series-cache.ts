import type { Series } from '../event.js';

/** Characters of all keys of one generation, and how many of them there may be. */
const MAX_CHARACTERS = 2 ** 21;
const MAX_SERIES = 20_000;

/**
 * Remembers which series the names of another program became: adopting them takes many times as long as finding them
 * again, and agents send the same ones over and over. What was not asked for lately is forgotten.
 */
export class SeriesCache {
  private recent = new Map<string, Series>();
  private older = new Map<string, Series>();
  private characters = 0;

  /** @param key - equal for equal names, and only for them */
  find(key: string, adopt: () => Series): Series {
    const known = this.recent.get(key);
    if (known !== undefined) return known;
    const series = this.older.get(key) ?? adopt();
    this.characters += key.length;
    if (this.recent.size >= MAX_SERIES || this.characters > MAX_CHARACTERS) {
      this.older = this.recent;
      this.recent = new Map();
      this.characters = key.length;
    }
    this.recent.set(key, series);
    return series;
  }
}

/** A text as a part of a key: its length in front, so that no two rows of texts make the same key. */
export function framed(text: string): string {
  return `${text.length} ${text}`;
}
