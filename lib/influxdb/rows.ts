/** The columns of a table, by position: a tag that is called `table` or `result` must not shadow Flux's own columns. */
export interface Table {
  /** Flux's own and the tags' labels alike, as spelled in InfluxDB; the two columns in front are not among them. */
  readonly labels: readonly string[];
  /** The position of a label in a row, or -1. */
  at(label: string): number;
}

export interface Row {
  readonly table: Table;
  readonly cells: readonly string[];
}

// In front of the columns: the annotation, `result` and `table`.
const IN_FRONT = 3;

/** Reads annotated CSV (https://docs.influxdata.com/influxdb/v2/reference/syntax/annotated-csv/), line by line. */
export class RowReader {
  /** InfluxDB's words, where it failed in the middle of an answer (status 200 had been sent by then). */
  error: string | undefined;
  private table: Table | undefined;
  private state: 'header' | 'rows' | 'error' = 'header';

  read(line: string): Row | undefined {
    if (line === '') {
      this.state = 'header';
      return undefined;
    }
    if (this.state === 'rows' && this.table) return { table: this.table, cells: cellsOf(line) };
    if (this.state === 'error') {
      this.error ??= cellsOf(line)[1] ?? 'an error without words';
      return undefined;
    }
    if (line.startsWith('#')) return undefined;
    const header = cellsOf(line);
    if (header[1] === 'error' && header[2] === 'reference') this.state = 'error';
    else {
      this.table = tableOf(header);
      this.state = 'rows';
    }
    return undefined;
  }
}

function tableOf(header: readonly string[]): Table {
  const labels = header.slice(IN_FRONT);
  const positions = new Map(labels.map((label, index) => [label, index + IN_FRONT]));
  return { labels, at: (label) => positions.get(label) ?? -1 };
}

/** The number of the row's group (Flux's `table`): rows of equal tags follow each other and share it. */
export function groupOf(row: Row): string {
  return row.cells[IN_FRONT - 1] ?? '';
}

/** The cell under a label; empty where the table has no such column. */
export function cellOf(row: Row, label: string): string {
  return row.cells[row.table.at(label)] ?? '';
}

/** The fingerprint of an id, as Flux prints it; nothing where another program keeps something else in that field. */
export function fingerprintIn(text: string): bigint | undefined {
  if (!WHOLE.test(text)) return undefined;
  const number = BigInt(text);
  return number !== 0n && number === BigInt.asIntN(64, number) ? number : undefined;
}

const WHOLE = /^-?\d{1,19}$/;

function cellsOf(line: string): string[] {
  if (!line.includes('"')) return line.split(',');
  const cells: string[] = [];
  let start = 0;
  for (;;) {
    const end = line.charCodeAt(start) === 34 ? endOfQuoted(line, start) : line.indexOf(',', start);
    const cell = line.slice(start, end < 0 ? undefined : end);
    cells.push(cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell);
    if (end < 0) return cells;
    start = end + 1;
  }
}

/** The comma after a quoted cell, or -1 at the end of the line. */
function endOfQuoted(line: string, start: number): number {
  let quote = start;
  do quote = line.indexOf('"', quote + 1);
  while (quote >= 0 && line[quote + 1] === '"' && ++quote);
  return quote < 0 ? -1 : line.indexOf(',', quote);
}
