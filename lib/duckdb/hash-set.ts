const NO_SLOTS = new Uint32Array(0);

/** A set of 32-bit hashes in four to eight bytes each: open addressing, at most three quarters full. */
export class HashSet {
  // 0 marks an empty slot.
  private slots = NO_SLOTS;
  private size = 0;

  get capacity(): number {
    return this.slots.length;
  }

  /** @returns whether it was not there */
  add(hash: number): boolean {
    const entry = hash >>> 0 || 1;
    if (this.size * 4 >= this.slots.length * 3) this.grow();
    const slot = this.slotOf(entry);
    if (this.slots[slot] === entry) return false;
    this.slots[slot] = entry;
    this.size++;
    return true;
  }

  /** Where the entry is, or would go. */
  private slotOf(entry: number): number {
    const { slots } = this;
    const mask = slots.length - 1;
    let slot = entry & mask;
    for (let found = slots[slot]; found !== 0 && found !== entry; found = slots[slot]) slot = (slot + 1) & mask;
    return slot;
  }

  private grow(): void {
    const entries = this.slots;
    this.slots = new Uint32Array(Math.max(8, entries.length * 2));
    for (const entry of entries) {
      if (entry !== 0) this.slots[this.slotOf(entry)] = entry;
    }
  }
}
