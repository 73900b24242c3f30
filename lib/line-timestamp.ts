import { TrackingError } from './errors.js';
import { badLine, quoted } from './line-mistake.js';
import { skipBlanks } from './line-syntax.js';
import { wholeNumber } from './line-values.js';
import { inRange, type Nanoseconds } from './time.js';

const MINUS = 45;
const [ZERO, NINE] = [48, 57];

/**
 * Reads what stands behind the fields: a timestamp, or nothing.
 * @param unit - nanoseconds that it counts
 * @throws TrackingError `invalid`
 */
export function readTimestamp(line: string, endOfFields: number, unit: bigint): Nanoseconds | undefined {
  const start = skipBlanks(line, endOfFields);
  let end = start;
  if (line.charCodeAt(end) === MINUS) end++;
  while (end < line.length && line.charCodeAt(end) >= ZERO && line.charCodeAt(end) <= NINE) end++;
  const text = line.slice(start, end);
  const rest = line.slice(end);
  // InfluxDB looks no further where a newline stands in the place of the timestamp.
  if (text === '' && (rest === '' || rest.startsWith('\n'))) return undefined;
  if (!/^ *$/.test(rest) || text === '' || text === '-') {
    throw badLine(`has a timestamp ${quoted(line.slice(start))}, which is no whole number`);
  }
  return timeOf(wholeNumber(text) * unit);
}

function timeOf(time: Nanoseconds): Nanoseconds {
  try {
    return inRange(time);
  } catch (error) {
    if (!(error instanceof TrackingError)) throw error;
    throw badLine(`has a timestamp that ${error.message} (is precision what it should be?)`);
  }
}
