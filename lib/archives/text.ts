import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { PassThrough, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { TextDecoder } from 'node:util';
import { createGunzip, createGzip } from 'node:zlib';
import { type Archive, badRow, type LineDecoder, type LineFormat, ROWS_AT_A_TIME } from '../archive.js';
import { messageOf, TrackingError } from '../errors.js';
import type { Point } from '../event.js';

/** Bytes read at once. */
const PIECE = 256 * 1024;
/** Bytes; a longer line is no line of ours, and may be a file of another kind altogether. */
const MAX_LINE = 1 << 20;
const LINE_FEED = 0x0a;
const NOT_BLANK = /\S/;

/**
 * Files of a text format, as they are or in gzip. Whether a file is in gzip its first bytes tell, whatever its name.
 * @param options.gzip - whether files are written so
 */
export function textArchive(format: LineFormat, { gzip }: { readonly gzip: boolean }): Archive {
  return {
    write: (points, output) =>
      pipeline(
        Readable.from(encode(format, points), { objectMode: false, highWaterMark: PIECE }),
        gzip ? createGzip() : new PassThrough(),
        output,
        { end: false },
      ),
    read: (path, follow = () => undefined) => decode(format, path, follow),
  };
}

async function* encode(format: LineFormat, points: AsyncIterable<readonly Point[]>): AsyncGenerator<Buffer> {
  if (format.header !== undefined) yield Buffer.from(format.header);
  for await (const batch of points) yield Buffer.from(format.encode(batch));
}

async function* decode(
  format: LineFormat,
  path: string,
  follow: (fraction: number) => void,
): AsyncGenerator<readonly Point[]> {
  let decoder: LineDecoder | undefined = format.header === undefined ? format.decoder('') : undefined;
  let points: Point[] = [];
  let number = 0;
  for await (const lines of linesOf(contentOf(path, follow), format.needsLastLineEnd)) {
    for (const line of lines) {
      number++;
      if (!NOT_BLANK.test(line)) continue;
      try {
        if (decoder === undefined) decoder = format.decoder(line);
        else {
          const point = decoder(line);
          if (point !== undefined) points.push(point);
        }
      } catch (error) {
        throw badRow(`line ${number}`, error);
      }
      if (points.length === ROWS_AT_A_TIME) {
        yield points;
        points = [];
      }
    }
  }
  if (decoder === undefined) throw new TrackingError('invalid', 'is empty, and lacks the line that names the columns');
  if (points.length > 0) yield points;
}

/** The lines of a text without their ends, some at a time. */
async function* linesOf(content: AsyncIterable<Buffer>, needsLastLineEnd: boolean): AsyncGenerator<readonly string[]> {
  let rest: Buffer = Buffer.alloc(0);
  let count = 0;
  for await (const bytes of content) {
    const all = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
    const end = all.lastIndexOf(LINE_FEED) + 1;
    rest = all.subarray(end);
    if (end > 0) {
      const lines = textOf(all.subarray(0, end - 1), count).split('\n');
      count += lines.length;
      yield lines.map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line));
    }
    if (rest.length > MAX_LINE) {
      throw new TrackingError(
        'invalid',
        `line ${count + 1}: has more than ${MAX_LINE} bytes, so the file seems to be of another format`,
      );
    }
  }
  const last = textOf(rest, count);
  if (!NOT_BLANK.test(last)) return;
  if (needsLastLineEnd) {
    throw new TrackingError(
      'invalid',
      `line ${count + 1}: has no end, so the file seems to be cut off there. If it is whole, end its last line`,
    );
  }
  yield [last];
}

/**
 * @param bytes - whole lines
 * @param before - how many lines come before them
 */
function textOf(bytes: Buffer, before: number): string {
  try {
    // A byte order mark stays: in line protocol a namespace may begin with one.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new TrackingError('invalid', `line ${before + firstNotUtf8(bytes)}: is not UTF-8`);
  }
}

/** The number of the first line, from 1, that is not UTF-8. */
function firstNotUtf8(bytes: Buffer): number {
  for (let [number, start] = [1, 0]; ; number++) {
    const end = bytes.indexOf(LINE_FEED, start);
    if (end < 0 || !isUtf8(bytes.subarray(start, end))) return number;
    start = end + 1;
  }
}

/** The bytes of a file, inflated where it is in gzip. */
async function* contentOf(path: string, follow: (fraction: number) => void): AsyncGenerator<Buffer> {
  const { size } = await stat(path);
  const file = createReadStream(path, { highWaterMark: PIECE });
  for await (const bytes of (await isGzip(path)) ? inflate(file) : (file as AsyncIterable<Buffer>)) {
    follow(file.bytesRead / size);
    yield bytes;
  }
}

async function* inflate(file: Readable): AsyncGenerator<Buffer> {
  const inflated = createGunzip({ chunkSize: PIECE });
  // What fails is seen below.
  const flow = pipeline(file, inflated).catch(() => undefined);
  try {
    yield* inflated as AsyncIterable<Buffer>;
  } catch (error) {
    throw new TrackingError('invalid', `the gzip file is cut off or damaged (${messageOf(error)})`, { cause: error });
  } finally {
    inflated.destroy();
    await flow;
  }
}

async function isGzip(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && buffer.readUInt16BE() === 0x1f8b;
  } finally {
    await file.close();
  }
}
