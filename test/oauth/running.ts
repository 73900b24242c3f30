import Koa from 'koa';
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { JWK } from 'jose';
import { FileRegistry } from '../../lib/files/registry.js';
import { type Authorization, type AuthorizationOptions, createAuthorization } from '../../lib/oauth/authorization.js';
import type { Registry } from '../../lib/registry.js';
import { temporaryDirectory } from '../files/temporary.js';

export const ISSUER = 'http://localhost:8000';
export const BOOTSTRAP = { id: 'boot', secret: 'abc+/def==' };

/** The authorization server of one test, in an app that answers `/elsewhere` itself. */
export interface Running extends Authorization {
  readonly registry: Registry;
  readonly url: string;
  /** The private key that it signs with. */
  readonly key: JWK;
  /** What it reported as its own failures. */
  readonly failures: unknown[];
  now: number;
}

/** Starts one for each test on a free port; it is asked through 127.0.0.1, which is not the host of its issuer. */
export function running(options: Partial<AuthorizationOptions> = {}): Running {
  const directory = temporaryDirectory();
  const state = {} as Running & { server: Server };
  beforeEach(async () => {
    const registry = await FileRegistry.open(directory.path);
    const [key] = await registry.signingKeys();
    Object.assign(state, { registry, key, now: Date.now(), failures: [] });
    const authorization = await createAuthorization({
      registry,
      issuer: ISSUER,
      bootstrap: BOOTSTRAP,
      onError: (error) => state.failures.push(error),
      clock: () => state.now,
      ...options,
    });
    const app = new Koa();
    app.use(authorization.middleware);
    app.use((ctx) => {
      if (ctx.path === '/elsewhere') ctx.body = 'elsewhere';
    });
    const server = app.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    Object.assign(state, authorization, { server, url: `http://127.0.0.1:${port}` });
  });
  afterEach(async () => {
    state.server.close();
    state.server.closeAllConnections();
    await state.registry.close();
  });
  return state;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

export async function ask(url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, init);
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>,
  };
}

/** What `curl -u` sends: nothing is encoded but for the base64. */
export function basic(id: string, secret: string): Record<string, string> {
  return { Authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` };
}

export function form(fields: Record<string, string>): URLSearchParams {
  return new URLSearchParams(fields);
}

export async function tokenOf(
  { url }: { readonly url: string },
  id: string,
  secret: string,
  scope?: string,
): Promise<string> {
  const { body } = await ask(`${url}/o/token/`, {
    method: 'POST',
    headers: basic(id, secret),
    body: form({ grant_type: 'client_credentials', ...(scope === undefined ? {} : { scope }) }),
  });
  return body.access_token as string;
}
