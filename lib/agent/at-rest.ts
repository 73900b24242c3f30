import type { BufferState } from './buffer.js';
import { readPosition } from './position.js';
import { inspect, linesBefore, segmentsIn } from './segment.js';

/**
 * What waits in the buffer of an agent that does not run. It changes nothing there: who looks may be another user, whose
 * files the agent could not open.
 */
export async function stateAtRest(directory: string): Promise<BufferState> {
  const { sequence = 0, offset = 0 } = (await readPosition(directory)) ?? {};
  const segments = await segmentsIn(directory);
  let [events, bytes] = [0, 0];
  let oldest: number | undefined;
  for (const segment of segments.filter((one) => one.sequence >= sequence)) {
    if (!(await inspect(directory, segment, segment === segments.at(-1)))) continue;
    const sent = segment.sequence === sequence ? offset : 0;
    if (segment.bytes <= sent) continue;
    events += segment.events - (await linesBefore(directory, segment, sent));
    bytes += segment.bytes - sent;
    oldest ??= segment.created;
  }
  return { events, bytes, oldest };
}
