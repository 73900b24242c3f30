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
