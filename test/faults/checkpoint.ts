import { statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { ServiceProcess } from '../servers/service.js';
import type { Ballast } from './ballast.js';
import { between } from './random.js';

/** DuckDB moves its log into the file when it is as large as this. */
export const LOG_LIMIT = 16_000_000;
/** What one request of the ballast adds to the log, and some. */
const ONE_REQUEST = 300_000;
/** Milliseconds that a checkpoint of such a log takes, on an idle machine. */
const CHECKPOINT = 35;

/** The embedded store's file and its log. */
export class StoreFiles {
  private readonly file: string;

  constructor(service: ServiceProcess) {
    this.file = path.join(service.dataDirectory, 'events.duckdb');
  }

  get size(): number {
    return statSync(this.file).size;
  }

  /** Where the log lies. */
  get log(): string {
    return `${this.file}.wal`;
  }

  get logSize(): number {
    return statSync(this.log, { throwIfNoEntry: false })?.size ?? 0;
  }

  /** Sends ballast until a checkpoint is so near that little more brings it. */
  async fillLog(ballast: Ballast, token: string): Promise<void> {
    while (this.logSize < LOG_LIMIT - ONE_REQUEST) await ballast.send(token);
  }
}

/**
 * Kills the service while its log is moved into the file.
 * @returns whether the kill came between the beginning and the end of that
 */
export async function killAtCheckpoint(service: ServiceProcess, ballast: Ballast, token: string): Promise<boolean> {
  const files = new StoreFiles(service);
  await files.fillLog(ballast, token);
  const { size } = files;
  const sending = sendUntilChecked(service, ballast, token, () => files.size === size);
  while (files.size === size) await setTimeout(1);
  await setTimeout(between(0, CHECKPOINT));
  await service.kill();
  await sending;
  return files.logSize >= LOG_LIMIT - ONE_REQUEST;
}

async function sendUntilChecked(
  service: ServiceProcess,
  ballast: Ballast,
  token: string,
  waiting: () => boolean,
): Promise<void> {
  while (waiting() && service.running) await ballast.send(token);
}
