import { deleteOnce } from './deletion.js';
import { eraOfSequence } from './numbering.js';
import type { Position } from './position.js';
import type { Queued } from './reader.js';
import { keep, type Tenure } from './tenure.js';

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
