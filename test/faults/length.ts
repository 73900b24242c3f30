/** In percent of the full length, which `npm run faults` asks for; where it is left out each suite takes a short round. */
const { TRACKING_FAULTS: percent } = process.env;

/** How often a suite breaks something, or for how many seconds. */
export function lengthOf({ full, short }: { readonly full: number; readonly short: number }): number {
  return percent === undefined ? short : Math.max(1, Math.round((full * Number(percent)) / 100));
}

/** A random number between two. */
export function between(least: number, most: number): number {
  return least + Math.random() * (most - least);
}

/** One of several, at random. */
export function oneOf<Item>(items: readonly Item[]): Item {
  const item = items[Math.floor(Math.random() * items.length)];
  if (item === undefined) throw new Error('There is none to choose from.');
  return item;
}

/** Prints a figure below the test that it belongs to. */
export function report(figure: string): void {
  console.log(`      ${figure}`);
}

/** A count as people write it: `51,234`. */
export function formatCount(count: number): string {
  return Math.round(count).toLocaleString('en');
}
