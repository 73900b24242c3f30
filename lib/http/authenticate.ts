import type { Authenticator, Grant, Scope } from '../access.js';
import { TrackingError } from '../errors.js';
import type { Context, Middleware } from './context.js';

const BEARER = /^bearer(?: +(.*))?$/i;
const REALM = 'Bearer realm="tracking-api"';

/** Lets pass who brings a valid bearer token in the `Authorization` header (RFC 6750 §2.1), and no other way. */
export function authenticate(authenticator: Authenticator): Middleware {
  return function authenticate(ctx, next) {
    const token = BEARER.exec(ctx.req.headers.authorization ?? '');
    if (token === null) {
      ctx.set('WWW-Authenticate', REALM);
      throw new TrackingError(
        'unauthenticated',
        'Send a header "Authorization: Bearer TOKEN"; POST /o/token/ gives tokens.',
      );
    }
    const pass = (grant: Grant): Promise<unknown> => {
      ctx.state.grant = grant;
      return next();
    };
    const refuse = (error: unknown): never => {
      if (error instanceof TrackingError && error.code === 'unauthenticated') {
        challenge(ctx, 'invalid_token', error.message);
      }
      throw error;
    };
    let grant;
    try {
      grant = authenticator.authenticate(token[1] ?? '');
    } catch (error) {
      return refuse(error);
    }
    // A token that was seen before costs no turn of the event loop.
    return grant instanceof Promise ? grant.then(pass, refuse) : pass(grant);
  };
}

/** Lets pass whose token has the scope. */
export function requireScope(scope: Scope): Middleware {
  const message = `This needs a token with the scope "${scope}".`;
  return function requireScope(ctx, next) {
    if (grantOf(ctx).scopes.includes(scope)) return next();
    challenge(ctx, 'insufficient_scope', message, `, scope="${scope}"`);
    throw new TrackingError('forbidden', message);
  };
}

/** What the bearer of the request's token may do. */
export function grantOf(ctx: Context): Grant {
  if (ctx.state.grant === undefined) throw new TrackingError('internal', `${ctx.path} does not authenticate`);
  return ctx.state.grant;
}

/** RFC 6750 §3: the description may hold neither quotes nor backslashes nor anything beyond ASCII. */
function challenge(ctx: Context, error: string, description: string, more = ''): void {
  const plain = description.replace(/["\\]/g, "'").replace(/[^ -~]/g, '?');
  ctx.set('WWW-Authenticate', `${REALM}, error="${error}", error_description="${plain}"${more}`);
}
