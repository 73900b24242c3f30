import http from 'node:http';
import https from 'node:https';
import { TrackingError } from '../errors.js';
import { retryAfterOf } from '../retry.js';
import { failureOf, silence, trackingErrorOf } from './failure.js';

export interface ConnectionOptions {
  readonly url: string;
  readonly token: string;
  /** Milliseconds of silence, and for the rest of an answer that has begun, after which a request counts as unanswered. */
  readonly timeout: number;
}

export interface Request {
  /** What follows the address of InfluxDB. */
  readonly target: string;
  /** In one piece or in several. */
  readonly body?: string | readonly string[];
  /** Of the body; text unless told. */
  readonly type?: string;
  /** In milliseconds, in place of the connection's own. */
  readonly timeout?: number;
  /** Told each line of the answer where it is 200: then it may be long, and is not kept. */
  readonly onLine?: (line: string) => void;
}

export interface Answer {
  readonly status: number;
  readonly message: string;
  /** Whether the message is in the form of InfluxDB's: what stands in front of it answers in HTML, say. */
  readonly own: boolean;
  /** Seconds. */
  readonly retryAfter: number | undefined;
}

// A 400 repeats the lines that it is about; what is longer than this is of no use to anybody.
const MAX_MESSAGE = 8 * 1024 * 1024;

/** Requests to InfluxDB that are answered in a few words, over connections that are kept. */
export class Connection {
  private readonly agent: http.Agent;
  private readonly request: typeof http.request;
  private readonly closing = new AbortController();
  /** Ended one by one: a signal that many requests listen to keeps those that are over, with their bodies. */
  private readonly underWay = new Set<http.ClientRequest>();

  constructor(private readonly options: ConnectionOptions) {
    const secure = options.url.startsWith('https:');
    this.agent = new (secure ? https : http).Agent({ keepAlive: true });
    this.request = secure ? https.request : http.request;
  }

  get url(): string {
    return this.options.url;
  }

  get signal(): AbortSignal {
    return this.closing.signal;
  }

  /**
   * One request and its whole answer: a POST where it has a body.
   * @throws Error where the connection fails, or nothing is heard for too long
   */
  exchange({ target, body, type = 'text/plain; charset=utf-8', onLine, ...rest }: Request): Promise<Answer> {
    const { url, token } = this.options;
    const timeout = rest.timeout ?? this.options.timeout;
    const pieces = typeof body === 'string' ? [body] : body;
    if (this.signal.aborted) return Promise.reject(new Error('the connection is closed'));
    return new Promise((resolve, reject) => {
      const request = this.request(url.replace(/\/$/, '') + target, {
        method: pieces === undefined ? 'GET' : 'POST',
        agent: this.agent,
        headers: {
          authorization: `Token ${token}`,
          ...(pieces && { 'content-type': type, 'content-length': bytesOf(pieces) }),
        },
      });
      const giveUp = (): void => {
        request.destroy(silence());
      };
      this.underWay.add(request);
      request.setTimeout(timeout, giveUp);
      request.on('close', () => this.underWay.delete(request));
      request.on('error', reject);
      request.on('response', (response) => {
        // Silence is not enough here: an answer that comes byte by byte for ever is none.
        const timer = setTimeout(giveUp, timeout);
        (onLine !== undefined && response.statusCode === 200 ? readLines(response, onLine) : read(response))
          .then(resolve, reject)
          .finally(() => {
            clearTimeout(timer);
          });
      });
      for (const piece of pieces ?? []) request.write(piece);
      request.end();
    });
  }

  /**
   * One question and its answer; nothing where this InfluxDB has no such thing, or does not show it to this token.
   * @throws TrackingError where the connection fails, and where InfluxDB cannot answer at present
   */
  async ask(request: Request): Promise<Answer | undefined> {
    const answer = await this.exchange(request).catch((error: unknown) => {
      throw trackingErrorOf(error, this.url);
    });
    const { status, message, retryAfter } = answer;
    if (status === 429 || status >= 500) throw failureOf(status, message, retryAfter);
    return status === 200 ? answer : undefined;
  }

  close(): void {
    this.closing.abort();
    for (const request of this.underWay) request.destroy(new Error('the connection is closed'));
    this.agent.destroy();
  }
}

/**
 * An answer in JSON.
 * @throws TrackingError `unavailable` where it is not whole
 */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new TrackingError('unavailable', 'InfluxDB broke off its answer.', { retryAfter: 5, cause: error });
  }
}

function read(response: http.IncomingMessage): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let text = '';
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => {
      if (text.length < MAX_MESSAGE) text += chunk;
    });
    response.on('error', reject);
    response.on('end', () => {
      resolve(answerOf(response, text));
    });
  });
}

function bytesOf(pieces: readonly string[]): number {
  return pieces.reduce((bytes, piece) => bytes + Buffer.byteLength(piece), 0);
}

async function readLines(response: http.IncomingMessage, onLine: (line: string) => void): Promise<Answer> {
  response.setEncoding('utf8');
  let rest = '';
  for await (const chunk of response as AsyncIterable<string>) {
    const [first = '', ...others] = chunk.split('\n');
    rest += first;
    for (const next of others) {
      if (rest !== '') onLine(rest);
      rest = next;
    }
  }
  if (rest !== '') onLine(rest);
  return answerOf(response, '');
}

function answerOf({ statusCode = 0, headers }: http.IncomingMessage, text: string): Answer {
  const message = messageIn(text);
  return {
    status: statusCode,
    message: message ?? text,
    own: message !== undefined,
    retryAfter: retryAfterOf(headers['retry-after'], Date.now()),
  };
}

function messageIn(body: string): string | undefined {
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === 'object' && parsed !== null && 'message' in parsed) return String(parsed.message);
  } catch {
    // No JSON.
  }
  return undefined;
}
