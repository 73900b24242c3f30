import { writtenIn } from './position.js';
import { PARTITIONS, type Session, subjectOf } from './stream.js';

/**
 * Notes how far the stream goes now, as its leader knows, and tells whether the positions have come there. Where numbers
 * mean others by then, what the stream holds then has to be written.
 * @param session - gives the session of now
 */
export async function horizonOf(session: () => Session): Promise<() => Promise<boolean>> {
  let noted = await note(session());
  return async () => {
    if (session().numbering !== noted.numbering) noted = await note(session());
    const written = await writtenIn(session());
    return noted.ends.every((end, partition) => (written.get(partition) ?? 0) >= end);
  };
}

/** The number of the last message of each partition; 0 where there is none. */
async function note({ jsm, stream, numbering }: Session): Promise<{ numbering: unknown; ends: readonly number[] }> {
  const last = Array.from({ length: PARTITIONS }, (_, partition) =>
    jsm.streams.getMessage(stream, { last_by_subj: subjectOf(stream, partition) }),
  );
  return { numbering, ends: (await Promise.all(last)).map((message) => message?.seq ?? 0) };
}
