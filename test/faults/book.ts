import { Tally } from './figures.js';
import { type Kind, KINDS, type TrackRequest } from './requests.js';

/** What a client was told about a request; nothing where the connection broke. */
export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly retryAfter: string | null;
}

/** What was said of each event, to be compared with what the store says. */
export class Book {
  private readonly acknowledged = emptySets();
  /** Sent, and perhaps stored. */
  private readonly open = emptySets();
  /** 503 and 429 that do not say when to come again. */
  private withoutRetryAfter = 0;
  /** The status of each answer that was not 201. */
  readonly denials = new Tally();

  /** How many events are acknowledged. */
  get size(): number {
    return KINDS.reduce((sum, kind) => sum + this.acknowledged[kind].size, 0);
  }

  note({ kind, values }: TrackRequest, answer: Answer | undefined): void {
    if (answer?.status === 201) {
      for (const value of values) this.acknowledged[kind].add(value);
      return;
    }
    if (answer !== undefined) {
      this.denials.add(`answers of ${answer.status}`);
      if (!(Number(answer.retryAfter) > 0)) this.withoutRetryAfter++;
      if (answer.text.includes('Nothing of this request was stored')) return;
    }
    for (const value of values) this.open[kind].add(value);
  }

  /**
   * @param valuesOf - what the store holds of a kind
   * @returns a sentence for each kind of which something is missing, doubled or made up
   */
  async findMistakes(valuesOf: (kind: Kind) => Promise<readonly number[]>): Promise<string[]> {
    const mistakes: string[] = [];
    for (const kind of KINDS) {
      const [stored, acknowledged] = [await valuesOf(kind), this.acknowledged[kind]];
      const once = new Set(stored);
      const missing = [...acknowledged].filter((value) => !once.has(value));
      const unknown = [...once].filter((value) => !acknowledged.has(value) && !this.open[kind].has(value));
      if (missing.length > 0)
        mistakes.push(`${kind}: ${missing.length} of ${acknowledged.size} are lost: ${some(missing)}`);
      if (once.size < stored.length) mistakes.push(`${kind}: ${stored.length - once.size} are stored twice`);
      if (unknown.length > 0) {
        mistakes.push(`${kind}: ${unknown.length} are stored although nobody was told so: ${some(unknown)}`);
      }
    }
    if (this.withoutRetryAfter > 0) mistakes.push(`${this.withoutRetryAfter} of 503 and 429 had no Retry-After`);
    return mistakes;
  }
}

function some(values: readonly number[]): string {
  return values.length > 5 ? `${values.slice(0, 5).join(', ')} …` : values.join(', ');
}

function emptySets(): Record<Kind, Set<number>> {
  return { ids: new Set(), samples: new Set(), keyed: new Set(), plain: new Set() };
}
