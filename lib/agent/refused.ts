import { appendFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../errors.js';

/** An event that the service will never take. */
export interface Refusal {
  /** Which line of the request. */
  readonly index: number;
  readonly reason: string;
}

const MAX_BYTES = 2 ** 20;
const MAX_REASONS = 1000;

/** Refused events in a file beside the buffer, with the reason; at most two megabytes, the oldest go first. */
export class RefusedEvents {
  private readonly said = new Set<string>();

  /** @param say - told of each reason once */
  constructor(
    private readonly directory: string,
    private readonly say: (event: string, reason: string, file: string) => void,
  ) {}

  /**
   * Never throws: where they cannot be written, as to a full disk, the log alone has them, and the others need not wait.
   * @param lines - the events, as they were sent
   */
  async add(lines: readonly string[], reasons: readonly string[], time: number): Promise<void> {
    const file = join(this.directory, 'refused.ndjson');
    const refused = new Date(time).toISOString();
    const records = lines.map(
      (event, index) => `${JSON.stringify({ refused, reason: reasons[index] ?? '', event })}\n`,
    );
    let fate = '';
    try {
      await this.write(file, records.join(''));
    } catch (error) {
      fate = ` (it is lost: ${messageOf(error)})`;
    }
    lines.forEach((line, index) => {
      this.tell(line, (reasons[index] ?? '') + fate, file);
    });
  }

  private async write(file: string, records: string): Promise<void> {
    const { size } = await stat(file).catch(() => ({ size: 0 }));
    if (size > MAX_BYTES) await rename(file, join(this.directory, 'refused.1.ndjson'));
    await appendFile(file, records, { mode: 0o600 });
  }

  private tell(line: string, reason: string, file: string): void {
    const key = `${nameOf(line)}\n${reason}`;
    if (this.said.has(key) || this.said.size >= MAX_REASONS) return;
    this.said.add(key);
    this.say(line, reason, file);
  }
}

function nameOf(line: string): string {
  try {
    const { namespace, name } = JSON.parse(line) as { readonly namespace?: unknown; readonly name?: unknown };
    return JSON.stringify([namespace, name]);
  } catch {
    return '';
  }
}
