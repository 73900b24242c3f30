import type Koa from 'koa';
import contexts from 'oidc-provider/lib/helpers/als.js';
import type { Provider } from 'oidc-provider/lib/provider.js';
import { SCOPES } from '../access.js';
import { messageOf } from '../errors.js';
import type { LiveApplications } from './live-applications.js';
import { JWKS_PATH, TOKEN_PATH } from './provider.js';
import { explain, refuse, TOO_LARGE } from './refusal.js';

/** As the provider itself, which tells only after reading. */
const MAX_BODY = 56 * 1024;
const METADATA_PATH = '/.well-known/oauth-authorization-server';

export interface EndpointOptions {
  readonly provider: Provider;
  readonly issuer: string;
  readonly applications: LiveApplications;
  /** Told of what went wrong on our side. */
  readonly onError: (error: unknown) => void;
}

/**
 * The token endpoint, the keys and the metadata, each with and without its last slash; everything else passes on. It
 * has to come before anything that reads bodies.
 */
export function createEndpoints({ provider, issuer, applications, onError }: EndpointOptions): Koa.Middleware {
  const [handle] = provider.middleware;
  if (handle === undefined) throw new TypeError('The provider has no middleware.');
  const dispatch = withoutTraces(handle);
  provider.on('grant.error', explain);
  provider.on('server_error', (ctx: Koa.Context, error: unknown) => {
    onError(error);
    refuse(ctx, { status: 500, error: 'server_error', description: 'The service failed; the reason is in its log.' });
  });

  const token = onlyWith(['POST', 'OPTIONS'], async (ctx, next) => {
    if (ctx.request.length > MAX_BODY) {
      // What is still on its way is not waited for.
      ctx.set('Connection', 'close');
      refuse(ctx, TOO_LARGE);
    } else if (await isReady(ctx, applications, onError)) await dispatch(ctx, next);
  });
  const keys = onlyWith(['GET', 'HEAD', 'OPTIONS'], dispatch);
  const document = metadata(issuer);
  const description = onlyWith(['GET', 'HEAD'], (ctx) => {
    ctx.set('Access-Control-Allow-Origin', '*');
    ctx.body = document;
  });

  const { pathname } = new URL(issuer);
  const routes = new Map<string, Koa.Middleware>();
  for (const [path, endpoint] of [
    [TOKEN_PATH, token],
    [JWKS_PATH, keys],
    [METADATA_PATH, description],
    // Where the issuer has a path, its metadata is below the well-known one (RFC 8414 §3.1).
    [METADATA_PATH + pathname.replace(/\/$/, ''), description],
  ] as const) {
    routes.set(path, endpoint).set(`${path}/`, endpoint);
  }
  return (ctx, next) => {
    const { path } = ctx;
    const endpoint = routes.get(path);
    if (endpoint !== undefined) return endpoint(ctx, next) as Promise<void>;
    return path.startsWith('/o/') ? elsewhere(ctx, next) : next();
  };
}

/**
 * The provider keeps its context in an AsyncLocalStorage, which from its first use on has Node.js 20 call a hook for
 * every promise of the process. With no token request under way it is switched off again.
 */
function withoutTraces(handle: Koa.Middleware): Koa.Middleware {
  let underWay = 0;
  return async (ctx, next) => {
    underWay++;
    try {
      await handle(ctx, next);
    } finally {
      underWay--;
      if (underWay === 0) contexts.disable();
    }
  };
}

/** What is below /o/ and nobody's is answered in the form of OAuth too. */
async function elsewhere(ctx: Koa.Context, next: Koa.Next): Promise<void> {
  await next();
  if (ctx.status === 404 && (ctx.body === undefined || ctx.body === null)) {
    refuse(ctx, { status: 404, error: 'invalid_request', description: 'Nothing is here; tokens are at /o/token/.' });
  }
}

function onlyWith(methods: readonly string[], endpoint: Koa.Middleware): Koa.Middleware {
  return async (ctx, next) => {
    if (methods.includes(ctx.method)) {
      await endpoint(ctx, next);
      return;
    }
    ctx.set('Allow', methods.join(', '));
    refuse(ctx, {
      status: 405,
      error: 'invalid_request',
      description: `The method here is ${methods[0] ?? ''}, not ${ctx.method}.`,
    });
  };
}

async function isReady(
  ctx: Koa.Context,
  applications: LiveApplications,
  onError: (error: unknown) => void,
): Promise<boolean> {
  try {
    await applications.refresh();
    return true;
  } catch (error) {
    onError(error);
    ctx.set('Retry-After', '5');
    refuse(ctx, {
      status: 503,
      error: 'temporarily_unavailable',
      description: `The applications cannot be looked up now: ${messageOf(error).replace(/["\\]/g, "'")}`,
    });
    return false;
  }
}

/** The metadata of RFC 8414: what is switched on, and nothing else. */
function metadata(issuer: string): Record<string, string | string[]> {
  const base = issuer.replace(/\/$/, '');
  return {
    issuer,
    token_endpoint: `${base}${TOKEN_PATH}/`,
    jwks_uri: `${base}${JWKS_PATH}/`,
    scopes_supported: [...SCOPES],
    // The RFC requires it; without an authorization endpoint there is none to list.
    response_types_supported: [],
    grant_types_supported: ['client_credentials'],
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
  };
}
