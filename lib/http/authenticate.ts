import type { Authenticator, Grant, Scope } from '../access.js';
import { TrackingError } from '../errors.js';
import type { Context, Middleware } from './context.js';

const BEARER = /^bearer(?: +(.*))?$/i;
const REALM = 'Bearer realm="tracking-api"';

/** Who may come in, and how they prove it. */
export interface Entrance {
  /** The challenges of a 401 to who brought nothing (RFC 9110 §11.6.1). */
  readonly challenge: string;
  /** What to send, for who brought nothing. */
  readonly advice: string;
  /** The grant of who sent this `Authorization` header; nothing where it is of another kind. @throws as `Authenticator` */
  grant(header: string, authenticator: Authenticator): Grant | Promise<Grant> | undefined;
}

/** Bearer tokens (RFC 6750 §2.1). */
const BY_TOKEN: Entrance = {
  challenge: REALM,
  advice: 'Send a header "Authorization: Bearer TOKEN"; POST /o/token/ gives tokens.',
  grant: (header, authenticator) => {
    const token = BEARER.exec(header);
    return token === null ? undefined : authenticator.authenticate(token[1] ?? '');
  },
};

/** Lets pass who proves in the `Authorization` header who they are, and no other way. */
export function authenticate(authenticator: Authenticator, entrance: Entrance = BY_TOKEN): Middleware {
  return function authenticate(ctx, next) {
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
      grant = entrance.grant(ctx.req.headers.authorization ?? '', authenticator);
    } catch (error) {
      return refuse(error);
    }
    if (grant === undefined) {
      ctx.set('WWW-Authenticate', entrance.challenge);
      throw new TrackingError('unauthenticated', entrance.advice);
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
