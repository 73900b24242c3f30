import { TrackingError } from '../lib/errors.js';

/** The sentence and code that work is refused with; whatever else it throws stays what it is. */
export async function failureOf(work: Promise<unknown>): Promise<TrackingError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof TrackingError) return error;
    throw error;
  }
  throw new Error('It should have failed.');
}
