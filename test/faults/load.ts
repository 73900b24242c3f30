import { setTimeout } from 'node:timers/promises';
import type { ServiceProcess } from '../servers/service.js';

/** How the events of one kind are told apart, and so what may become of a request without an answer. */
export type Kind = 'ids' | 'samples' | 'keyed' | 'plain';
export const KINDS: readonly Kind[] = ['ids', 'samples', 'keyed', 'plain'];

interface SentRequest {
  readonly kind: Kind;
  /** One event each; the value tells it from all others of its kind. */
  readonly values: readonly number[];
  readonly body: string;
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
}

const NAMESPACE = 'Faults';
const SENDERS = 8;
const MAX_BATCH = 20;
/** All plain, keyed and named events of a test share a few milliseconds. */
const MILLISECONDS = 3;

/** Clients that send without pause, and the book of what they were told. */
export class Load {
  private readonly acknowledged: Record<Kind, Set<number>> = emptySets();
  private readonly unanswered: Record<Kind, Set<number>> = emptySets();
  private resend: SentRequest[] = [];
  private serial = 0;
  private stopping = false;

  constructor(private readonly service: ServiceProcess) {}

  /** Sends until `stop`; what got no answer is sent again by the next `run`, but for plain events, which would count twice. */
  async run(token: string): Promise<void> {
    this.stopping = false;
    await Promise.all(Array.from({ length: SENDERS }, () => this.send(token)));
  }

  stop(): void {
    this.stopping = true;
  }

  /** Sends again whatever is still without an answer, until there is one. */
  async settle(token: string): Promise<void> {
    for (let request = this.resend.pop(); request !== undefined; request = this.resend.pop()) {
      await this.post(request, token);
      if (this.resend.includes(request)) await setTimeout(50);
    }
  }

  get size(): number {
    return KINDS.reduce((sum, kind) => sum + this.acknowledged[kind].size, 0);
  }

  /**
   * Compares the book with the store.
   * @returns a sentence for each kind of which something is missing, doubled or made up
   */
  async findMistakes(token: string): Promise<string[]> {
    const mistakes: string[] = [];
    for (const kind of KINDS) {
      const stored = await this.storedValues(kind, token);
      const once = new Set(stored);
      const missing = [...this.acknowledged[kind]].filter((value) => !once.has(value)).length;
      const unknown = [...once].filter(
        (value) => !this.acknowledged[kind].has(value) && !this.unanswered[kind].has(value),
      );
      if (missing > 0) mistakes.push(`${kind}: ${missing} of ${this.acknowledged[kind].size} acknowledged are missing`);
      if (once.size < stored.length) mistakes.push(`${kind}: ${stored.length - once.size} are stored twice`);
      if (unknown.length > 0) mistakes.push(`${kind}: ${unknown.length} were never sent`);
    }
    return mistakes;
  }

  private async send(token: string): Promise<void> {
    while (!this.stopping) await this.post(this.resend.pop() ?? this.nextRequest(), token);
  }

  private async post(request: SentRequest, token: string): Promise<void> {
    const { kind, values, body, query, headers } = request;
    const response = await fetch(`${this.service.url}/api/track/${query}`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json', ...headers },
      body,
    })
      .then(async (answer) => ({ status: answer.status, text: await answer.text() }))
      .catch(() => undefined);
    if (response?.status === 201) {
      for (const value of values) this.acknowledged[kind].add(value);
      return;
    }
    if (response !== undefined && response.status < 500) throw new Error(`${response.status}: ${response.text}`);
    for (const value of values) this.unanswered[kind].add(value);
    if (kind !== 'plain') this.resend.push(request);
  }

  private nextRequest(): SentRequest {
    const kind = KINDS[Math.floor(Math.random() * KINDS.length)] ?? 'plain';
    const length = Math.random() < 0.5 ? 1 : 1 + Math.floor(Math.random() * MAX_BATCH);
    const values = Array.from({ length }, () => this.serial++);
    const events = values.map((value) => eventOf(kind, value));
    return {
      kind,
      values,
      body: JSON.stringify(length === 1 ? events[0] : events),
      query: kind === 'samples' ? '?identity=timestamp' : '',
      headers: kind === 'keyed' ? { 'Idempotency-Key': `key-${values[0]}` } : {},
    };
  }

  private async storedValues(kind: Kind, token: string): Promise<number[]> {
    const response = await fetch(
      `${this.service.url}/api/events/${NAMESPACE}/${kind}?granularity=none&limit=10000000`,
      {
        headers: { Authorization: `Bearer ${token}`, Accept: 'application/x-ndjson' },
      },
    );
    const text = await response.text();
    if (!response.ok) throw new Error(text);
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => (JSON.parse(line) as { value: number }).value);
  }
}

function eventOf(kind: Kind, value: number): object {
  const second = 1_700_000_000;
  const event = { namespace: NAMESPACE, name: kind, value, tags: { host: `host-${value % 3}` } };
  if (kind === 'samples') return { ...event, timestamp: second + value / 1000 };
  const timestamp = second + (value % MILLISECONDS) / 1000;
  if (kind === 'ids') return { ...event, timestamp, id: String(value) };
  if (kind === 'keyed') return { ...event, timestamp };
  return value % 2 === 0 ? event : { ...event, timestamp };
}

function emptySets(): Record<Kind, Set<number>> {
  return { ids: new Set(), samples: new Set(), keyed: new Set(), plain: new Set() };
}
