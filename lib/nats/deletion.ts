import { TrackingError } from '../errors.js';
import type { DeletionOrder } from './messages.js';
import type { Position } from './position.js';
import { keep, type Tenure } from './tenure.js';

/**
 * Has a deletion carried out, and answers how many events it was about. The number is recorded before the first of them
 * goes: so it is exact over all tries and whatever dies between them, for nothing behind it in its partition is written
 * meanwhile.
 */
export async function deleteOnce(
  tenure: Tenure,
  position: Position,
  { selection, answerTo }: DeletionOrder,
  recorded: Uint8Array | undefined,
): Promise<void> {
  const { work } = tenure;
  let counted = recorded === undefined ? undefined : Number(Buffer.from(recorded).toString());
  const record = async (count: number): Promise<void> => {
    await keep(tenure, position, Buffer.from(String(count)));
    counted = count;
  };
  const answer = await tenure.persist(async () => {
    try {
      const progress = counted === undefined ? { record } : { record, counted };
      return { deleted: await work.consumer.delete(selection, progress, tenure.assertHeld) };
    } catch (error) {
      // What will never succeed must not hold up what is behind it.
      if (!(error instanceof TrackingError) || error.code === 'unavailable') throw error;
      return { failure: { code: error.code, message: error.message } };
    }
  });
  try {
    // Also where the partition has gone to another meanwhile: it is done.
    work.connection.session.nc.publish(answerTo, JSON.stringify(answer));
  } catch (error) {
    work.onProblem('who asked for a deletion could not be answered', error);
  }
}
