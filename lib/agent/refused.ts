import { appendFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';

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

  /** @param lines - the events, as they were sent */
  async add(lines: readonly string[], reasons: readonly string[], time: number): Promise<void> {
    const file = join(this.directory, 'refused.ndjson');
    const { size } = await stat(file).catch(() => ({ size: 0 }));
    if (size > MAX_BYTES) await rename(file, join(this.directory, 'refused.1.ndjson'));
    const refused = new Date(time).toISOString();
    const records = lines.map((line, index) => {
      const reason = reasons[index] ?? '';
      this.tell(line, reason, file);
      return `${JSON.stringify({ refused, reason, event: line })}\n`;
    });
    await appendFile(file, records.join(''), { mode: 0o600 });
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
