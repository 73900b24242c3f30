import { Agent, type ClientRequest, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import type { ServiceProcess } from '../servers/service.js';
import { type Answer, Book } from './book.js';
import { oneOf } from './random.js';
import { KINDS, Requests, type TrackRequest } from './requests.js';
import { caughtUp, storedValues } from './stored.js';

/** Milliseconds that a client waits after a request that was not taken. */
const PAUSE = 20;
/** Events in each request of a steady load. */
const STEADY_BATCH = 20;

/** Clients that send without pause, and the book of what they were told. */
export class Load {
  readonly book = new Book();
  /** Why requests got no answer, such as `ECONNRESET`; a refused connection is none of them. */
  readonly broken: string[] = [];
  private readonly agent = new Agent({ keepAlive: true });
  private readonly requests = new Requests();
  private resend: TrackRequest[] = [];
  private going = false;

  constructor(
    private readonly service: ServiceProcess,
    private readonly senders = 8,
  ) {}

  /** Sends until `stop`; what got no answer is sent again, but for plain events, which would count twice. */
  async run(token: string): Promise<void> {
    this.going = true;
    await Promise.all(Array.from({ length: this.senders }, () => this.send(token)));
  }

  /** Sends so many events a second until `stop`, whether those before are answered or not. */
  async runAt(rate: number, token: string): Promise<void> {
    this.going = true;
    await this.sendAt(rate, token);
  }

  stop(): void {
    this.going = false;
  }

  /** Sends again whatever is still without an answer, until there is one. */
  async settle(token: string): Promise<void> {
    for (let request = this.resend.pop(); request !== undefined; request = this.resend.pop()) {
      await this.post(request, token);
    }
  }

  /**
   * Compares the book with the store, once what was accepted has had time to get there.
   * @returns a sentence for each kind of which something is missing, doubled or made up
   */
  async findMistakes(token: string): Promise<string[]> {
    await caughtUp(this.service);
    return this.book.findMistakes((kind) => storedValues(this.service, kind, token));
  }

  private async sendAt(rate: number, token: string): Promise<void> {
    const underWay = new Set<Promise<void>>();
    const begun = performance.now();
    for (let sent = 0; this.going; sent += STEADY_BATCH) {
      const answered = this.post(this.requests.of(oneOf(KINDS), STEADY_BATCH), token).finally(() => {
        underWay.delete(answered);
      });
      underWay.add(answered);
      await setTimeout(Math.max(0, begun + (sent / rate) * 1000 - performance.now()));
    }
    await Promise.all(underWay);
  }

  private async send(token: string): Promise<void> {
    while (this.going) await this.post(this.resend.pop() ?? this.requests.next(), token);
  }

  private async post(request: TrackRequest, token: string): Promise<void> {
    const answer = await this.exchange(request, token);
    this.book.note(request, answer);
    if (answer?.status === 201) return;
    if (answer !== undefined && answer.status < 500 && answer.status !== 429) {
      throw new Error(`${answer.status}: ${answer.text}`);
    }
    if (request.kind !== 'plain') this.resend.push(request);
    await setTimeout(PAUSE);
  }

  private exchange({ body, query, headers }: TrackRequest, token: string): Promise<Answer | undefined> {
    return new Promise((resolve) => {
      const outgoing = request(`${this.service.url}/api/track/${query}`, {
        method: 'POST',
        agent: this.agent,
        headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json', ...headers },
      });
      const fail = (error: unknown): void => {
        if (!isRefused(error, outgoing)) this.broken.push(codeOf(error));
        resolve(undefined);
      };
      outgoing.once('error', fail).once('response', (incoming) => {
        const { statusCode = 0, headers } = incoming;
        text(incoming).then((answer) => {
          resolve({ status: statusCode, text: answer, retryAfter: headers['retry-after'] ?? null });
        }, fail);
      });
      outgoing.end(body);
    });
  }
}

/**
 * Whether the connection was refused: nobody listens, or the kernel had taken it for a service that then closed its
 * socket, and reset it.
 */
function isRefused(error: unknown, { reusedSocket }: ClientRequest): boolean {
  const code = codeOf(error);
  return code === 'ECONNREFUSED' || (code === 'ECONNRESET' && !reusedSocket);
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
