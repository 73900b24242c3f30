import type { Lag } from '../queue.js';
import { readPage } from './exchange.js';
import { positionsIn } from './position.js';
import { EVENTS } from './publisher.js';
import { PARTITIONS, type Session, subjectOf } from './stream.js';

// The messages at the front of a partition whose events are counted.
const COUNTED = { batch: 100, max_bytes: 64 * 1024 };

/**
 * What is in the stream behind the positions, whichever instances read it. The seconds are exact, by the server's clock
 * and ours. So are the events of the first hundred messages of a partition; behind these, each message counts as many
 * as they have on average. A delivery that is just being written counts until its partition's next one begins.
 */
export async function lagOf(session: Session): Promise<Lag> {
  const positions = await positionsIn(session);
  const lags = await Promise.all(
    Array.from({ length: PARTITIONS }, (_, partition) =>
      lagBehind(session, partition, positions.get(partition)?.written ?? 0),
    ),
  );
  return {
    events: lags.reduce((sum, { events }) => sum + events, 0),
    seconds: Math.max(...lags.map(({ seconds }) => seconds)),
  };
}

async function lagBehind({ nc, stream }: Session, partition: number, written: number): Promise<Lag> {
  const { messages, pending } = await readPage(nc, stream, {
    seq: written + 1,
    next_by_subj: subjectOf(stream, partition),
    ...COUNTED,
  });
  const [oldest] = messages;
  if (oldest === undefined) return { events: 0, seconds: 0 };
  const counted = messages.reduce((sum, { headers }) => sum + Number(headers.get(EVENTS)), 0);
  return {
    events: counted + Math.round((pending * counted) / messages.length),
    seconds: Math.max(0, (Date.now() - oldest.time) / 1000),
  };
}
