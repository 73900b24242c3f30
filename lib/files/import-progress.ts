import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from './folder.js';

/** Milliseconds between two notes: what is imported again after an interruption costs time and adds nothing. */
const PAUSE = 1_000;

/** Of a file. */
export interface Rows {
  readonly done: number;
  /** All of them were found right before the first was stored. */
  readonly all: number;
}

/**
 * How far an import has come, in a file of the data directory. It is a hint to save time: rows imported again are the
 * same rows, so it need not be durable, and beginning anew is always right.
 */
export class ImportProgress {
  private noted = 0;

  private constructor(
    readonly path: string,
    /** What an interrupted import of the same content has come to, where there is one. */
    readonly before: Rows | undefined,
  ) {}

  /** @param key - equal for imports of the same content into the same store; hexadecimal digits */
  static async open(directory: string, key: string): Promise<ImportProgress> {
    const path = join(directory, `import-${key}.json`);
    const text = await readFile(path, 'utf8').catch((error: unknown) => {
      if (codeOf(error) === 'ENOENT') return '';
      throw error;
    });
    return new ImportProgress(path, rowsOf(text));
  }

  /** Notes how many rows are durable, now and then; or just now. */
  async note(rows: Rows, when: 'now and then' | 'now' = 'now and then'): Promise<void> {
    const now = performance.now();
    if (when !== 'now' && now < this.noted + PAUSE) return;
    this.noted = now;
    await writeFile(`${this.path}.new`, JSON.stringify(rows), { mode: 0o600 });
    await rename(`${this.path}.new`, this.path);
  }

  /** The import is done, or can never be. */
  async end(): Promise<void> {
    await rm(this.path, { force: true });
  }
}

/** A file that makes no sense is no progress. */
function rowsOf(text: string): Rows | undefined {
  try {
    const { done, all } = JSON.parse(text) as Partial<Rows>;
    return Number.isSafeInteger(done) && Number.isSafeInteger(all) ? ({ done, all } as Rows) : undefined;
  } catch {
    return undefined;
  }
}
