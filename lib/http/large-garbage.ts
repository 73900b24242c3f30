import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Bytes of bodies after which it is time. */
const MAX_BYTES = 8 * 2 ** 20;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as (options: { readonly type: 'minor' }) => void;

let bytes = 0;

/**
 * Counts the bytes of a body that was read or inflated. The pieces that it came in are garbage then, and the rest will be
 * soon. V8 lets 32 MiB of buffers and 32 MiB of long texts become garbage before it looks at either: some large bodies,
 * which make few objects beside, would cost that for nothing. Ten thousand hostile bodies of line protocol raise the memory
 * by 37 to 50 MiB so, and without it by 53 to 64. Collecting the young objects takes a millisecond or two, once in so many
 * megabytes.
 */
export function countGarbage(length: number): void {
  bytes += length;
  if (bytes < MAX_BYTES) return;
  bytes = 0;
  collect({ type: 'minor' });
}
