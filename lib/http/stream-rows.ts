import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import type { Row } from '../answer.js';
import type { Writer } from './formats/format.js';

/** Characters. Smaller pieces cost more calls, larger ones more memory and longer turns of the event loop. */
const PIECE = 32 * 1024;

/**
 * The text of rows as a stream that reads on only as fast as the client does. When the client goes away the rows'
 * iterator is ended, and when the rows fail the stream does.
 *
 * Resolves when the first row is there, so that what fails until then can still be answered as a problem.
 */
export async function streamRows(rows: AsyncIterable<Row>, writer: Writer): Promise<Readable> {
  const iterator = rows[Symbol.asyncIterator]();
  const first = await iterator.next();
  const stream = Readable.from(pieces(first, iterator, writer), { objectMode: false, highWaterMark: PIECE });
  // Not in a `finally` of the generator: one that was never asked for a piece does not run it.
  stream.once('close', () => {
    iterator.return?.().catch(() => undefined);
  });
  return stream;
}

async function* pieces(
  first: IteratorResult<Row, unknown>,
  iterator: AsyncIterator<Row, unknown>,
  writer: Writer,
): AsyncGenerator<string> {
  let piece = writer.head;
  for (let result = first; result.done !== true; result = await iterator.next()) {
    piece += writer.row(result.value);
    if (piece.length < PIECE) continue;
    yield piece;
    piece = '';
    // Rows that are in memory already would not let anybody else have a turn.
    await setImmediate();
  }
  yield piece + writer.tail();
}
