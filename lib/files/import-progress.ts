import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Joi from 'joi';
import type { PointBatch } from '../point-batch.js';
import { codeOf } from './folder.js';

/** Milliseconds between two notes: what is imported again after an interruption costs time and adds nothing. */
const PAUSE = 1_000;

/** What an import has come to. */
export interface ImportState {
  /** Rows that are durable, or refused for good. */
  readonly done: number;
  /** Rows of the file; all of them were found right before the first was stored. */
  readonly all: number;
  /** Rows of the file that have no identity of their own. */
  readonly unidentified: number;
  readonly refusals: GatheredRefusals;
  /** Some of the rows that are durable: where the store has lost them, so it has others. */
  readonly witnesses: PointBatch;
}

/** What the database will never take. */
export interface GatheredRefusals {
  readonly count: number;
  /** The first of them. */
  readonly listed: readonly { readonly number: number; readonly words: string }[];
}

const count = Joi.number().integer().min(0).required();
const list = (items: Joi.Schema): Joi.ArraySchema => Joi.array().items(items).required();
const stateSchema = Joi.object<ImportState>({
  done: count,
  all: count,
  unidentified: count,
  refusals: Joi.object({
    count,
    listed: list(Joi.object({ number: count, words: Joi.string().required() })),
  }).required(),
  witnesses: Joi.object({
    series: list(Joi.array()),
    of: list(Joi.number()),
    times: list(Joi.string()),
    values: list(Joi.number().unsafe()),
    identities: list(Joi.string().allow('')),
  }).required(),
}).prefs({ convert: false });

/**
 * How far an import has come, in a file of the data directory. It is a hint to save time: rows imported again are the
 * same rows, so it need not be durable, and beginning anew is always right.
 */
export class ImportProgress {
  private noted = 0;

  private constructor(
    readonly path: string,
    /** What an interrupted import of the same content has come to, where there is one. */
    readonly before: ImportState | undefined,
  ) {}

  /** @param key - equal for imports of the same content into the same place; hexadecimal digits */
  static async open(directory: string, key: string): Promise<ImportProgress> {
    const path = join(directory, `import-${key}.json`);
    const text = await readFile(path, 'utf8').catch((error: unknown) => {
      if (codeOf(error) === 'ENOENT') return '';
      throw error;
    });
    return new ImportProgress(path, stateOf(text));
  }

  /** Notes what is durable, now and then; or just now. */
  async note(state: () => ImportState, when: 'now and then' | 'now' = 'now and then'): Promise<void> {
    const now = performance.now();
    if (when !== 'now' && now < this.noted + PAUSE) return;
    this.noted = now;
    await writeFile(`${this.path}.new`, JSON.stringify(state()), { mode: 0o600 });
    await rename(`${this.path}.new`, this.path);
  }

  /** The import is done, or can never be. */
  async end(): Promise<void> {
    await rm(this.path, { force: true });
  }
}

/** A file that makes no sense, or is of another release, is no progress. */
function stateOf(text: string): ImportState | undefined {
  try {
    const result = stateSchema.validate(JSON.parse(text));
    return result.error === undefined ? result.value : undefined;
  } catch {
    return undefined;
  }
}
