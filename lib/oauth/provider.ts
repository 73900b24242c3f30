import type { JWK } from 'jose';
import { InvalidScope, InvalidTarget } from 'oidc-provider/lib/helpers/errors.js';
import { type Client, type OidcContext, Provider } from 'oidc-provider/lib/provider.js';
import { SCOPES } from '../access.js';
import type { LiveApplications } from './live-applications.js';
import { isSecret } from './secret.js';

export interface ProviderOptions {
  readonly issuer: string;
  /** Private ES256 keys; the first signs. */
  readonly signingKeys: readonly JWK[];
  readonly applications: LiveApplications;
  /** Seconds that a token is valid. */
  readonly tokenLifetime: number;
}

/** The paths below the issuer, without the last slash. */
export const TOKEN_PATH = '/o/token';
export const JWKS_PATH = '/o/jwks';

/**
 * The authorization server, with everything off but client credentials (RFC 6749 §4.4), and with JWT access tokens
 * (RFC 9068). It looks applications up in the live list, which its caller keeps fresh.
 */
export function createProvider({ issuer, signingKeys, applications, tokenLifetime }: ProviderOptions): Provider {
  const provider = new Provider(issuer, {
    adapter: () => ({
      find(id) {
        const application = applications.find(id);
        // The hash stands in for the secret; compareClientSecret below knows.
        return Promise.resolve(application && { client_id: id, client_secret: application.secretHash });
      },
    }),
    clientAuthMethods: ['client_secret_basic', 'client_secret_post'],
    // Whoever knows the secret may ask from a page of any origin: no cookie lends a foreign page any rights.
    clientBasedCORS: () => true,
    clientDefaults: {
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
      id_token_signed_response_alg: 'ES256',
    },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      dPoP: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      userinfo: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => issuer,
        getResourceServerInfo: (ctx, resource, client) => {
          if (resource !== issuer) throw new InvalidTarget(`The only resource here is ${issuer}.`);
          return {
            scope: settleScope(ctx, client, applications),
            audience: issuer,
            accessTokenFormat: 'jwt',
            accessTokenTTL: tokenLifetime,
            jwt: { sign: { alg: 'ES256' } },
          };
        },
      },
    },
    jwks: { keys: signingKeys },
    // Never a page, whatever the client accepts.
    renderError: (ctx, out) => {
      ctx.body = out;
    },
    responseTypes: [],
    routes: { token: TOKEN_PATH, jwks: JWKS_PATH },
    scopes: SCOPES,
    ttl: { ClientCredentials: tokenLifetime },
  });
  provider.Client.prototype.compareClientSecret = function compareClientSecret(secret) {
    return isSecret(secret, this.clientSecret);
  };
  return provider;
}

/**
 * Where no scope is asked, all that the application has are; left alone, the provider would give none. It would drop
 * silently what the application does not have; that is refused instead (RFC 6749 §3.3, §5.2).
 * @returns the scopes that the token gets
 */
function settleScope(ctx: OidcContext, client: Client, applications: LiveApplications): string {
  const allowed: readonly string[] = applications.find(client.clientId)?.scopes ?? [];
  const { params } = ctx.oidc;
  params.scope ??= allowed.join(' ');
  const refused = params.scope.split(' ').find((scope) => !allowed.includes(scope));
  if (refused !== undefined) {
    throw new InvalidScope(
      `The scopes of this application are ${allowed.join(', ')}; '${refused}' is none of them.`,
      refused,
    );
  }
  return params.scope;
}
