import { identityText, type LineFormat, pointOfRow, SeriesTexts } from '../archive.js';
import { TrackingError } from '../errors.js';
import type { Point } from '../event.js';
import { formatNanoseconds } from '../time.js';

const BYTE_ORDER_MARK = '\uFEFF';

/**
 * One event a line, as `POST /api/track/` takes it, and `identity` beside it where it has one. Lines with an `id` as
 * clients send it are read too.
 */
export const ndjson: LineFormat = {
  // A JSON object that has lost its end is none.
  needsLastLineEnd: false,
  encode: encoderOf(),
  decoder: () => decode,
};

function encoderOf(): LineFormat['encode'] {
  const texts = new SeriesTexts(({ namespace, name, tags }) => {
    const tagsText = JSON.stringify(tags);
    return {
      start: `{"namespace":${JSON.stringify(namespace)},"name":${JSON.stringify(name)},"timestamp":"`,
      end: tagsText === '{}' ? '' : `,"tags":${tagsText}`,
    };
  });
  return (points) => {
    let lines = '';
    for (const { series, time, value, identity } of points) {
      const { start, end } = texts.of(series);
      const own = identity.kind === 'none' ? '' : `,"identity":"${identityText(identity)}"`;
      lines += `${start}${formatNanoseconds(time)}","value":${value}${end}${own}}\n`;
    }
    return lines;
  };
}

function decode(line: string): Point {
  const row = parse(line.startsWith(BYTE_ORDER_MARK) ? line.slice(1) : line);
  if (typeof row !== 'object' || row === null || !('identity' in row)) return pointOfRow(row, undefined);
  const { identity, ...event } = row;
  return pointOfRow(event, identity);
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new TrackingError('invalid', 'is not JSON; each line must hold one event');
  }
}
