import { type AccessToken, ClientCredentials } from 'simple-oauth2';
import { messageOf } from '../errors.js';
import { below } from './transport.js';

export interface Credentials {
  readonly url: URL;
  readonly clientId: string;
  readonly clientSecret: string;
  /** How long a request may take. Milliseconds. */
  readonly timeout: number;
}

/** Why there is no token. */
export class NoToken extends Error {
  override readonly name = 'NoToken';

  /**
   * @param stuck - whether somebody has to change something
   * @param retryAfter - as the authorization server said it
   */
  constructor(
    message: string,
    readonly stuck: boolean,
    readonly retryAfter?: string,
  ) {
    super(message);
  }
}

const EARLY = 60; // seconds before its end that a token is renewed; for short-lived ones a quarter of their life
const MAX_ANSWER = 2 ** 16; // bytes

/** Tokens of the client credentials grant (RFC 6749 §4.4), renewed before they expire. */
export class Tokens {
  private readonly client: ClientCredentials;
  private current: AccessToken | undefined;

  constructor({ url, clientId, clientSecret, timeout }: Credentials) {
    const endpoint = below(url, 'o/token/');
    this.client = new ClientCredentials({
      client: { id: clientId, secret: clientSecret },
      auth: { tokenHost: endpoint.origin, tokenPath: endpoint.pathname },
      http: { timeout, maxBytes: MAX_ANSWER },
    });
  }

  /** @throws NoToken */
  async get(): Promise<string> {
    this.current = this.usable() ?? (await this.renew());
    return String(this.current.token.access_token);
  }

  /** The token was refused: the next one is a new one. */
  discard(): void {
    this.current = undefined;
  }

  private usable(): AccessToken | undefined {
    const life = Number(this.current?.token.expires_in);
    return this.current?.expired(Number.isNaN(life) ? EARLY : Math.min(EARLY, life / 4)) ? undefined : this.current;
  }

  private async renew(): Promise<AccessToken> {
    try {
      return await this.client.getToken({ scope: 'write' });
    } catch (error) {
      throw noToken(error);
    }
  }
}

/** What Wreck throws for an answer that is none of success (https://hapi.dev/module/wreck/api). */
interface Failure {
  readonly data?: {
    readonly isResponseError?: boolean;
    readonly headers?: Readonly<Record<string, string | undefined>>;
    readonly payload?: unknown;
  } | null;
  readonly output?: { readonly statusCode?: number };
}

function noToken(error: unknown): NoToken {
  const { data, output } = error as Failure;
  if (data?.isResponseError !== true) return new NoToken(`no token: ${messageOf(error)}`, false);
  const status = output?.statusCode ?? 0;
  const stuck = status >= 300 && status < 500 && ![408, 425, 429].includes(status);
  return new NoToken(`no token: ${status}${wordsIn(data.payload)}`, stuck, data.headers?.['retry-after']);
}

/** The `error` and its description, RFC 6749 §5.2. */
function wordsIn(payload: unknown): string {
  try {
    const value: unknown = Buffer.isBuffer(payload) ? JSON.parse(payload.toString()) : payload;
    const { error, error_description: description } = (value ?? {}) as Readonly<Record<string, unknown>>;
    const words = [error, description].filter((text) => typeof text === 'string');
    return words.length === 0 ? '' : `: ${words.join(': ').slice(0, 300)}`;
  } catch {
    return '';
  }
}
