/** Prints a figure below the test that it belongs to. */
export function report(figure: string): void {
  console.log(`      ${figure}`);
}

/** A count as people write it: `51,234`. */
export function formatCount(count: number): string {
  return Math.round(count).toLocaleString('en');
}

/** How often each thing happened. */
export class Tally {
  private readonly counts = new Map<string, number>();

  constructor(happened: readonly string[] = []) {
    for (const what of happened) this.add(what);
  }

  add(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  toString(): string {
    return [...this.counts].map(([what, count]) => `${count} ${what}`).join(', ');
  }
}

/** The mistakes in a line of figures. */
export function verdict(mistakes: readonly string[]): string {
  return mistakes.length === 0 ? '0 lost, 0 doubled' : mistakes.join('; ');
}
