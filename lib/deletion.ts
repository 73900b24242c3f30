import type { Selection } from './aggregation.js';
import type { DeletionProgress } from './queue.js';
import type { Store } from './store.js';
import { MILLISECOND, toMilliseconds } from './time.js';

/**
 * Deletes, and knows over all tries how many events it was about: they are counted and the number recorded before the
 * first of them goes. The caller has no write of theirs under way, from the first try to the last.
 */
export async function deleteCounted(
  store: Store,
  selection: Selection,
  progress: DeletionProgress,
  assertHeld: () => void,
): Promise<number> {
  const { counted = await countOf(store, selection) } = progress;
  if (progress.counted === undefined) await progress.record(counted);
  await store.delete(selection, assertHeld);
  return counted;
}

/** How many points are selected. */
async function countOf(store: Store, selection: Selection): Promise<number> {
  const extent = await store.extent(selection);
  if (extent === undefined) return 0;
  const start = selection.tsMin ?? BigInt(toMilliseconds(extent.first)) * MILLISECOND;
  const windows = [{ start, length: extent.last + 1n - start, count: 1 }];
  let count = 0;
  for await (const { values } of store.aggregate({ selection, windows, aggregations: ['count'] })) {
    count += values[0] ?? 0;
  }
  return count;
}
