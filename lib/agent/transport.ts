import { Agent, type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http';
import { Agent as SecureAgent, request as httpsRequest } from 'node:https';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

/** An answer of the service, or of something on the way to it. */
export interface Reply {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly location: string | undefined;
  /** The media type without its parameters. */
  readonly type: string;
  readonly text: string;
}

export interface TransportOptions {
  /** Where the service is, as its people reach it. */
  readonly url: URL;
  /** How long a request may take as a whole. Milliseconds. */
  readonly timeout: number;
  readonly version: string;
}

const MAX_REPLY = 2 ** 20; // bytes: a refusal lists a hundred events
const compress = promisify(gzip);

/** Sends events over one connection that is kept open. */
export class Transport {
  private readonly agent: Agent;
  private readonly url: URL;

  constructor(private readonly options: TransportOptions) {
    const settings = { keepAlive: true, maxSockets: 1 };
    this.agent = options.url.protocol === 'https:' ? new SecureAgent(settings) : new Agent(settings);
    this.url = below(options.url, 'api/track/?identity=timestamp');
  }

  /**
   * @param lines - events as JSON
   * @throws Error where there is no answer, in words for people
   */
  async send(lines: readonly string[], token: string, signal: AbortSignal): Promise<Reply> {
    const body = await compress(lines.map((line) => `${line}\n`).join(''));
    const { timeout, version } = this.options;
    // AbortSignal.any() would leave something of every request behind in a signal that lives as long as the agent.
    const within = new AbortController();
    const end = (): void => {
      within.abort();
    };
    const timer = setTimeout(end, timeout);
    if (signal.aborted) end();
    signal.addEventListener('abort', end);
    try {
      return await this.post(body, within.signal, {
        Authorization: `Bearer ${token}`,
        'Content-Type': 'application/x-ndjson',
        'Content-Encoding': 'gzip',
        'Content-Length': body.length,
        'User-Agent': `tracking-agent/${version}`,
      });
    } catch (error) {
      if (!within.signal.aborted || signal.aborted) throw error;
      throw new Error(`no answer within ${timeout / 1000} s`, { cause: error });
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
    }
  }

  private post(body: Buffer, signal: AbortSignal, headers: Record<string, string | number>): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const make = this.url.protocol === 'https:' ? httpsRequest : httpRequest;
      const request: ClientRequest = make(
        this.url,
        { method: 'POST', agent: this.agent, headers, signal },
        (response) => {
          readReply(response).then(resolve, reject);
        },
      );
      request.once('error', reject);
      request.end(body);
    });
  }

  close(): void {
    this.agent.destroy();
  }
}

/** An address below that of the service, which may itself be below another one. */
export function below(url: URL, path: string): URL {
  return new URL(path, url.href.endsWith('/') ? url.href : `${url.href}/`);
}

async function readReply(response: IncomingMessage): Promise<Reply> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_REPLY) throw new Error('the answer is longer than any of the service');
    chunks.push(chunk);
  }
  const { headers, statusCode = 0 } = response;
  return {
    status: statusCode,
    retryAfter: headers['retry-after'],
    location: headers.location,
    type: (headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '',
    text: Buffer.concat(chunks).toString(),
  };
}
