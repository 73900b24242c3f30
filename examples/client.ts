import { gzip } from 'node:zlib';
import { promisify } from 'node:util';
import { setTimeout } from 'node:timers/promises';
import { type AccessToken, ClientCredentials } from 'simple-oauth2';

const compress = promisify(gzip);

/** How to reach a running service. */
export interface Access {
  /** Such as `http://localhost:8000`. */
  readonly url: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

/** What an application needs to send and to ask: tokens renewed before they expire, and events resent until answered. */
export class TrackingClient {
  private readonly oauth: ClientCredentials;
  private token: AccessToken | undefined;

  constructor(private readonly access: Access) {
    this.oauth = new ClientCredentials({
      client: { id: access.clientId, secret: access.clientSecret },
      auth: { tokenHost: access.url, tokenPath: '/o/token/' },
    });
  }

  /**
   * Sends events as NDJSON, one a line, until the service has answered. Give each an `id`, or ask for
   * `identity=timestamp`: then a resend counts nothing twice.
   * @throws Error with the service's own words where it refuses them
   */
  async track(lines: string, query = ''): Promise<void> {
    const body = new Uint8Array(await compress(lines, { level: 1 }));
    for (let attempt = 0; ; attempt++) {
      const response = await fetch(`${this.access.url}/api/track/${query}`, {
        method: 'POST',
        headers: {
          Authorization: await this.authorization(),
          'Content-Type': 'application/x-ndjson',
          'Content-Encoding': 'gzip',
        },
        body,
      }).catch(() => undefined);
      if (response?.ok) return;
      if (response !== undefined && response.status < 500 && response.status !== 429) {
        throw new Error(`The service refuses the events: ${await response.text()}`);
      }
      await setTimeout(Math.min(100 * 2 ** attempt, 5000) * (0.5 + Math.random()));
    }
  }

  /**
   * Asks and reads the whole answer, page after page.
   * @param path - such as `/api/events/Flights/delay?granularity=day`
   */
  async ask<Row>(path: string): Promise<Row[]> {
    const rows: Row[] = [];
    for (let next: string | undefined = path; next !== undefined;) {
      const response: Response = await fetch(new URL(next, this.access.url), {
        headers: { Authorization: await this.authorization() },
      });
      if (!response.ok) throw new Error(`The service refuses the question: ${await response.text()}`);
      rows.push(...((await response.json()) as Row[]));
      next = /<([^>]*)>; *rel="next"/.exec(response.headers.get('Link') ?? '')?.[1];
    }
    return rows;
  }

  private async authorization(): Promise<string> {
    const margin = 60;
    if (this.token?.expired(margin) ?? true) this.token = await this.oauth.getToken({});
    return `Bearer ${String(this.token?.token.access_token)}`;
  }
}
