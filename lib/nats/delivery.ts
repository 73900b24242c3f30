import { deleteOnce } from './deletion.js';
import { MAX_WEIGHT, weightOf } from './messages.js';
import { eraOfSequence } from './numbering.js';
import type { Position } from './position.js';
import { maxEvents } from './publisher.js';
import type { Queued } from './reader.js';
import type { Session } from './stream.js';
import { keep, type Tenure } from './tenure.js';

/**
 * Events in a delivery, but for those of a single message. All that is made of them should be gone before V8 takes it for
 * something that stays: with 20,000 a service that caught up grew by 80 MiB of nothing but garbage.
 */
const DELIVERY_EVENTS = 5000;

/** Takes the next delivery from the front of what was read ahead: whole messages, some of points or one deletion. */
export function takeDelivery(ahead: Queued[], session: Session): Queued[] {
  const { numbering } = session;
  const most = Math.min(DELIVERY_EVENTS, maxEvents(session));
  const era = eraOfSequence(numbering, ahead[0]?.sequence ?? 0);
  let [end, events, weight] = [0, 0, 0];
  for (const { points, sequence } of ahead) {
    events += points?.length ?? 0;
    for (const { series } of points ?? []) weight += weightOf(series);
    if (end > 0 && (points === undefined || events > most || weight > MAX_WEIGHT)) break;
    // Named after another era, and perhaps in the store already under its name.
    if (eraOfSequence(numbering, sequence) !== era) break;
    end++;
    if (points === undefined) break;
  }
  return ahead.splice(0, end);
}

/**
 * Hands the messages of one delivery over, until the store has them.
 * @param recorded - what was kept of the same delivery before a crash
 */
export async function deliver(
  tenure: Tenure,
  position: Position,
  messages: readonly Queued[],
  recorded: Uint8Array | undefined,
): Promise<void> {
  const [first] = messages;
  if (first?.deletion === undefined) await write(tenure, position, messages, recorded);
  else await deleteOnce(tenure, position, first.deletion, recorded);
}

async function write(
  tenure: Tenure,
  position: Position,
  messages: readonly Queued[],
  recorded: Uint8Array | undefined,
): Promise<void> {
  const { work, holder } = tenure;
  const points = messages.flatMap((message) => message.points ?? []);
  const sequence = messages.at(-1)?.sequence ?? 0;
  let plan = recorded;
  const record = async (bytes: Uint8Array): Promise<void> => {
    await keep(tenure, position, bytes);
    plan = bytes;
  };
  const { stream, numbering } = tenure.session();
  const partition = `${stream}-${numbering.generation}-${eraOfSequence(numbering, sequence)}-${tenure.number}`;
  const refusals = await tenure.persist(() => {
    const delivery = {
      ...{ partition, sequence, record, tenure: holder, assertHeld: tenure.assertHeld },
      ...(plan === undefined ? {} : { recorded: plan }),
    };
    return work.consumer.write(points, delivery);
  });
  if (refusals.length > 0) await tenure.persist(() => work.keep({ partition, sequence, points, refusals }));
}
