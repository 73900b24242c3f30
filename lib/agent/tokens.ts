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
  private readonly endpoint: URL;
  private readonly client: ClientCredentials;
  private current: AccessToken | undefined;

  constructor({ url, clientId, clientSecret, timeout }: Credentials) {
    this.endpoint = below(url, 'o/token/');
    this.client = new ClientCredentials({
      client: { id: clientId, secret: clientSecret },
      auth: { tokenHost: this.endpoint.origin, tokenPath: this.endpoint.pathname },
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
      throw noToken(error, this.endpoint);
    }
  }
}

/** What Wreck throws (https://hapi.dev/module/wreck/api). */
interface Failure {
  readonly data?: {
    readonly isResponseError?: boolean;
    readonly payload?: unknown;
    readonly res?: {
      readonly statusCode?: number;
      readonly headers: Readonly<Record<string, string | undefined>>;
    };
  } | null;
  readonly output?: { readonly statusCode?: number };
}

/** Wreck's own word where an answer, of whatever status, is not JSON. */
const NOT_JSON = 406;

function noToken(error: unknown, endpoint: URL): NoToken {
  const { data, output } = error as Failure;
  const isAnswer = data?.isResponseError === true || output?.statusCode === NOT_JSON;
  if (!isAnswer || data?.res === undefined) return new NoToken(`no token: ${unreachable(error, endpoint)}`, false);
  const { statusCode: status = 0, headers } = data.res;
  const stuck = status < 500 && ![408, 425, 429].includes(status);
  const words = wordsIn(data.payload) ?? (stuck ? wordsOfAnother(endpoint, headers.location) : '');
  return new NoToken(`no token: ${status}${words}`, stuck, headers['retry-after']);
}

function unreachable(error: unknown, { origin }: URL): string {
  const message = messageOf(error).replace(/^Client request error: /, '');
  // OpenSSL's word for a first answer that is no TLS at all.
  if (message.includes('wrong version number')) return `${origin} speaks no TLS: url may have to begin with http://`;
  return message;
}

/** Where something else answers than the service: a proxy, or the service at another path. */
function wordsOfAnother({ href }: URL, location: string | undefined): string {
  const moved = location === undefined ? '' : ` (moved to ${location.slice(0, MAX_WORDS)})`;
  return `${moved}: there is no service at ${href}, so url is not its address`;
}

const MAX_WORDS = 300;

/** The `error` and its description, RFC 6749 §5.2. */
function wordsIn(payload: unknown): string | undefined {
  try {
    const value: unknown = Buffer.isBuffer(payload) ? JSON.parse(payload.toString()) : payload;
    const { error, error_description: description } = (value ?? {}) as Readonly<Record<string, unknown>>;
    const words = [error, description].filter((text) => typeof text === 'string');
    return words.length === 0 ? undefined : `: ${words.join(': ').slice(0, MAX_WORDS)}`;
  } catch {
    return undefined;
  }
}
