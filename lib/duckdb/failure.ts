import { messageOf, TrackingError } from '../errors.js';

/** Whether COMMIT did its work, and only the checkpoint after it found no room: the rows are durable. */
export function isDurableAllTheSame(error: unknown): boolean {
  return messageOf(error).includes('COMMIT succeeded and is durable');
}

/** Whether COMMIT failed and left nothing behind. */
export function isRolledBack(error: unknown): boolean {
  return messageOf(error).includes('Failed to commit');
}

/** A commit that may be done or not, as where only what comes after it failed: the file alone can say. */
export class UncertainCommit extends Error {
  constructor(cause: unknown) {
    super(messageOf(cause), { cause });
  }
}

/** Whether the instance is of no more use, and has to be opened anew. */
export function isFatal(error: unknown): boolean {
  return (
    error instanceof UncertainCommit ||
    isDurableAllTheSame(error) ||
    /FATAL|has been invalidated|Connection Error/i.test(messageOf(error))
  );
}

/** An error of DuckDB in words for the person who wrote: whatever it is, the same events may be sent again. */
export function explainWriting(error: unknown): TrackingError {
  if (!(error instanceof TrackingError) && isOutOfMemory(error)) {
    return unavailable('The database has no memory left for this write. Ask it less at a time', error);
  }
  return explain(error);
}

/** An error of DuckDB in words for the person who asked. Its own words, which may quote SQL, are for the log. */
export function explain(error: unknown): TrackingError {
  if (error instanceof TrackingError) return error;
  const reason = messageOf(error);
  // Where a file system turns read-only between the write and the sync of a commit, DuckDB ends the process instead:
  // cutting the log back fails too, in a function that may not throw (DuckTransaction::Commit), and no setting changes
  // that. Nothing acknowledged is lost (test/faults/read-only.test.ts).
  if (/Read-only file system/i.test(reason)) {
    return unavailable('The disk of the database can only be read. Make it writable again', error);
  }
  if (/Input\/output error/i.test(reason)) {
    return unavailable('The disk of the database fails. Look into the log of the system', error);
  }
  if (/No space left|File too large|quota exceeded|Could not write|max_temp_directory_size/i.test(reason)) {
    return unavailable('The disk of the database is full. Free some room on it', error);
  }
  if (isOutOfMemory(error)) {
    return new TrackingError(
      'unprocessable',
      'The answer needs more memory than the database may take. Ask for a shorter range or for longer windows.',
      { cause: error },
    );
  }
  if (/Corrupt database file|checksum/i.test(reason)) {
    return unavailable('The database file is damaged. Put back a copy of it', error);
  }
  return unavailable('The database failed; the log of the service says why', error);
}

/** Why a database file cannot be opened, and what to do. */
export function explainOpening(error: unknown, path: string): TrackingError {
  if (error instanceof TrackingError) return error;
  const reason = messageOf(error);
  if (reason.includes('Could not set lock')) {
    const holder = /\(PID (\d+)\)/.exec(reason)?.[1];
    const who = holder === undefined ? 'Another process' : `Another process (${holder})`;
    return new TrackingError('unavailable', `${who} has ${path} open. Stop it, or choose another path.`, {
      cause: error,
    });
  }
  if (/Corrupt|checksum|not a valid DuckDB|replaying WAL|Serialization Error|could not read/i.test(reason)) {
    return damaged(path, reason, error);
  }
  if (/Read-only file system|Permission denied/i.test(reason)) {
    return new TrackingError('unavailable', `${path} can only be read. Make it writable for this user.`, {
      cause: error,
    });
  }
  return new TrackingError('unavailable', `${path} cannot be opened: ${reason}`, { cause: error });
}

/** A file that is not whole. It is left as it is. */
export function damaged(path: string, reason: string, cause?: unknown): TrackingError {
  return new TrackingError(
    'unavailable',
    `${path} is damaged: ${reason.replace(/[.!]?$/, '.')} Nothing was changed. Put back a copy of it, together with its .wal file, or move both away to begin anew.`,
    { cause },
  );
}

function unavailable(sentence: string, cause: unknown): TrackingError {
  return new TrackingError('unavailable', `${sentence}.`, { retryAfter: 5, cause });
}

function isOutOfMemory(error: unknown): boolean {
  return messageOf(error).startsWith('Out of Memory');
}

/** DuckDB refuses the whole answer where the squares of one window overflow. */
export function isDeviationTooGreat(error: unknown): boolean {
  return messageOf(error).includes('STDDEV_SAMP is out of range');
}
