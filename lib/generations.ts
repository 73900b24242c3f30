/** Roughly the bytes of one generation. */
const MAX_BYTES = 16 * 2 ** 20;

/**
 * What was found lately, by a key: what is found among the older ones is to be kept once more, and when the recent ones
 * have grown full, they become the older ones and those go. So all of it together has a bound.
 */
export class Generations<Value> {
  private recent = new Map<string, Value>();
  private older = new Map<string, Value>();
  private bytes = 0;

  findRecent(key: string): Value | undefined {
    return this.recent.get(key);
  }

  findOlder(key: string): Value | undefined {
    return this.older.get(key);
  }

  /** @param bytes - roughly what it takes */
  keep(key: string, value: Value, bytes: number): void {
    this.recent.set(key, value);
    this.grow(bytes);
  }

  /** Something that is kept takes so much more. */
  grow(bytes: number): void {
    this.bytes += bytes;
    if (this.bytes <= MAX_BYTES) return;
    this.older = this.recent;
    this.recent = new Map();
    this.bytes = 0;
  }
}
