/*
 * The syntax of line protocol, here and in the other files whose names begin so, exactly as InfluxDB 2.9 reads it
 * (`models.ParsePointsWithPrecision` in its source), with all that its documentation leaves open: what a backslash escapes
 * depends on where it stands, and a quote opens a string wherever more equals signs than commas came before it.
 * `test/line-protocol.influxdb.test.ts` holds the two together. Everything that has a meaning here is ASCII, so that
 * characters do as well as bytes.
 */

const TAB = 9;
const NEWLINE = 10;
const SPACE = 32;
const QUOTE = 34;
const COMMA = 44;
const EQUALS = 61;
const BACKSLASH = 92;

/**
 * Where the line that begins there ends: at a newline that is neither escaped nor inside a string, or with the text.
 * @param isLast - whether nothing follows behind the text
 */
export function endOfLine(text: string, start: number, isLast: boolean): number {
  let quoted = false;
  let inFields = false;
  let open = 0; // equals signs, less commas
  for (let at = start; at < text.length; at++) {
    const code = text.charCodeAt(at);
    // The last character but one escapes nothing, where it is of the whole body.
    if (code === BACKSLASH && (at + 2 < text.length || !isLast)) at++;
    else if (code === NEWLINE && !quoted) return at;
    else if (code === SPACE) inFields = true;
    else if (!inFields) continue;
    else if (code === EQUALS && !quoted) open++;
    else if (code === COMMA && !quoted) open--;
    else if (code === QUOTE && open > 0) quoted = !quoted;
  }
  return text.length;
}

/** Where something else begins than spaces, tabs and NULs. */
export function skipBlanks(text: string, start: number): number {
  let at = start;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code !== SPACE && code !== TAB && code !== 0) break;
  }
  return at;
}

/** The space that ends the measurement and tags of a line, where they are right. */
export function endOfSeries(line: string): number {
  for (let at = line.indexOf(' '); ; at = line.indexOf(' ', at + 1)) {
    if (at < 0 || line.charCodeAt(at - 1) !== BACKSLASH) return at;
  }
}
