import { TrackingError } from './errors.js';
import type { DeadLetters } from './queue.js';

type Handlers = Readonly<Record<string, (argument: unknown) => Promise<unknown>>>;

/** How many letters travel at once. */
export interface PageRequest {
  readonly limit: number;
  readonly cursor?: string;
}

/**
 * What is done with dead letters for the command line, by name; arguments and results travel as JSON.
 * @param open - gives the dead letters, or nothing where there is no queue
 */
export function deadLetterCommands(open: () => Promise<DeadLetters | undefined>): Handlers {
  const needed = async (): Promise<DeadLetters> => {
    const letters = await open();
    if (letters !== undefined) return letters;
    throw new TrackingError(
      'unprocessable',
      'There are dead letters only with a queue (QUEUE=nats): without one, whoever sends an event is told that the database refuses it.',
    );
  };
  const each = async (ids: unknown, change: 'retry' | 'drop'): Promise<number> => {
    const letters = await needed();
    let done = 0;
    for (const id of ids as string[]) if (await letters[change](id)) done++;
    return done;
  };
  return {
    'dead-letters page': async (argument) => {
      const { limit, cursor } = argument as PageRequest;
      return (await needed()).page(limit, cursor);
    },
    'dead-letters show': async (id) => (await (await needed()).find(String(id))) ?? null,
    'dead-letters retry': (ids) => each(ids, 'retry'),
    'dead-letters drop': (ids) => each(ids, 'drop'),
  };
}
