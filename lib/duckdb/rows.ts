import {
  BIGINT,
  INTEGER,
  LIST,
  listValue,
  type DuckDBConnection,
  type DuckDBType,
  type DuckDBValue,
} from '@duckdb/node-api';

/** What a statement is given by name: lists of whole numbers, which SQL unnests. */
export type Lists = Readonly<Record<string, readonly number[] | readonly bigint[]>>;

/** A statement and the lists that it names. Whole numbers of ours stand in the text, where DuckDB can prune by them. */
export interface Statement {
  readonly sql: string;
  readonly lists: Lists;
}

/** Some rows of an answer, column by column. */
export type Columns = readonly (readonly DuckDBValue[])[];

/** The rows of a small answer. */
export async function rowsOf(
  connection: DuckDBConnection,
  sql: string,
  lists: Lists = {},
): Promise<readonly (readonly DuckDBValue[])[]> {
  const [values, types] = bindings(lists);
  return (await connection.run(sql, values, types)).getRows();
}

/** The lists as the driver wants them: without its types DuckDB takes a bigint for a HUGEINT, and prunes nothing. */
export function bindings(lists: Lists): [Record<string, DuckDBValue>, Record<string, DuckDBType>] {
  const values: Record<string, DuckDBValue> = {};
  const types: Record<string, DuckDBType> = {};
  for (const [name, list] of Object.entries(lists)) {
    values[name] = listValue(list);
    types[name] = LIST(typeof list[0] === 'bigint' ? BIGINT : INTEGER);
  }
  return [values, types];
}

/** A whole number in the text of a statement. */
export function literal(number: bigint | number): string {
  return BigInt(number).toString();
}
