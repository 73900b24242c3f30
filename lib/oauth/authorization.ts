import type { JWK } from 'jose';
import type Koa from 'koa';
import type { Authenticator } from '../access.js';
import { TrackingError } from '../errors.js';
import type { Registry } from '../registry.js';
import { Applications, type BootstrapCredentials } from './applications.js';
import { TokenAuthenticator } from './authenticator.js';
import { type Clock, steadyClock } from './clock.js';
import { createEndpoints } from './endpoints.js';
import { createProvider } from './provider.js';

export interface AuthorizationOptions {
  readonly registry: Registry;
  /** An http or https URL without query and fragment: what tokens are issued and checked for, whatever the Host. */
  readonly issuer: string;
  readonly bootstrap?: BootstrapCredentials | undefined;
  /** Seconds that a token is valid; an hour where left out. */
  readonly tokenLifetime?: number;
  /** How many verified tokens need not be verified again; 10,000 where left out. */
  readonly rememberedTokens?: number;
  /** Told of what went wrong on our side. */
  readonly onError?: (error: unknown) => void;
  readonly clock?: Clock;
}

export interface Authorization {
  /** Answers at `/o/` and `/.well-known/oauth-authorization-server`; has to come before anything that reads bodies. */
  readonly middleware: Koa.Middleware;
  readonly authenticator: Authenticator;
  readonly applications: Applications;
}

/**
 * OAuth 2.0 client credentials: issues tokens to the registry's applications, and checks them.
 * @throws TrackingError `invalid` where the issuer or the bootstrap credentials cannot be used, `unavailable` where the
 *   registry cannot be read
 */
export async function createAuthorization(options: AuthorizationOptions): Promise<Authorization> {
  const { registry, issuer, bootstrap, tokenLifetime = 3600, rememberedTokens = 10_000 } = options;
  const { onError = () => undefined, clock } = options;
  checkIssuer(issuer);
  const applications = new Applications(registry, bootstrap, clock);
  const { live } = applications;
  const signingKeys = await registry.signingKeys();
  await live.refresh();
  const provider = createProvider({ issuer, signingKeys, applications: live, tokenLifetime });
  return {
    middleware: createEndpoints({ provider, issuer, applications: live, onError }),
    authenticator: new TokenAuthenticator({
      publicKeys: signingKeys.map(toPublic),
      issuer,
      applications: live,
      rememberedTokens,
      clock: clock ?? steadyClock(tokenLifetime * 1000),
    }),
    applications,
  };
}

function checkIssuer(issuer: string): void {
  const url = URL.canParse(issuer) ? new URL(issuer) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || /[?#]/.test(issuer)) {
    throw new TrackingError(
      'invalid',
      `ISSUER_URL must be an http or https URL without query and fragment, such as http://localhost:8000; it is ${issuer}.`,
    );
  }
}

function toPublic({ d: _, ...key }: JWK): JWK {
  return key;
}
