import {
  exactValue,
  identityFromText,
  type LineFormat,
  SeriesTexts,
  type SeriesWords,
  SeriesWordsCache,
} from '../archive.js';
import { TrackingError } from '../errors.js';
import type { Identity, Point } from '../event.js';
import { inRange } from '../time.js';
import { seriesPrefix } from './line-protocol.js';
import { nameOf } from './names.js';

// Not \s, which stands for a byte order mark too: a namespace may begin with one.
const COMMENT = /^[ \t]*#/;
// An escaped character follows a backslash; a backslash of the name itself never stands before these (`names.ts`).
const END_OF_SERIES = /(?<!\\) /;
const BETWEEN_TAGS = /(?<!\\),/;
const END_OF_KEY = /(?<!\\)=/;
const ESCAPED = /\\([, =])/g;
const FIELDS =
  /^value=(-?[\d.]+(?:[eE][+-]?\d+)?)[iu]?(?:,id=(-?\d+)i|(,sample=(?:t|T|true|True|TRUE)))? (-?\d{1,19})$/;

/**
 * InfluxDB's own line protocol, in nanoseconds, as points lie in a bucket of ours: InfluxDB itself reads it. A sample is
 * marked by a field `sample`, which no question of ours looks at.
 *
 * Lines of other programs are read by `../line-protocol.ts`. These here are ours and stricter: one value, names as
 * `names.ts` writes them, and fingerprints of 64 bits, which a double would round.
 */
export const lineProtocol: LineFormat = {
  needsLastLineEnd: true,
  encode: encoderOf(),
  decoder: decoderOf,
};

function encoderOf(): LineFormat['encode'] {
  const prefixes = new SeriesTexts(seriesPrefix);
  return (points) => {
    let lines = '';
    for (const { series, time, value, identity } of points) {
      lines += `${prefixes.of(series)} value=${value}${identityField(identity)} ${String(time)}\n`;
    }
    return lines;
  };
}

function identityField(identity: Identity): string {
  if (identity.kind === 'none') return '';
  return identity.kind === 'sample' ? ',sample=true' : `,id=${String(identity.fingerprint)}i`;
}

function decoderOf(): (line: string) => Point | undefined {
  const cache = new SeriesWordsCache();
  return (line) => {
    if (COMMENT.test(line)) return undefined;
    const end = line.search(END_OF_SERIES);
    const [, value, fingerprint, sample, time] = FIELDS.exec(end < 0 ? '' : line.slice(end + 1)) ?? [];
    if (value === undefined || time === undefined) {
      throw new TrackingError(
        'invalid',
        'is no point of ours: measurement,name=NAME[,TAG=VALUE…] value=NUMBER[,id=NUMBERi] NANOSECONDS',
      );
    }
    return {
      series: cache.get(line.slice(0, end), seriesWords),
      time: timeOf(time),
      value: exactValue(Number(value)),
      identity: identityFromText(sample === undefined ? (fingerprint ?? '') : 'sample'),
    };
  };
}

function timeOf(text: string): bigint {
  try {
    return inRange(BigInt(text));
  } catch (error) {
    throw error instanceof TrackingError ? new TrackingError('invalid', `the time ${error.message}`) : error;
  }
}

function seriesWords(words: string): SeriesWords {
  const [measurement = '', ...parts] = words.split(BETWEEN_TAGS);
  let name: string | undefined;
  const tags: [string, string][] = [];
  for (const part of parts) {
    const at = part.search(END_OF_KEY);
    const [key, value] = [textOf(part.slice(0, at)), textOf(part.slice(at + 1))];
    if (key === 'name') name = value;
    else tags.push([key, value]);
  }
  if (name === undefined) throw new TrackingError('invalid', 'lacks the tag "name", which holds the name of the event');
  return { namespace: textOf(measurement), name, tags: Object.fromEntries(tags) };
}

function textOf(escaped: string): string {
  return nameOf(escaped.replace(ESCAPED, '$1'));
}
