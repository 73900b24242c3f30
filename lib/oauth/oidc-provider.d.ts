// The slice of oidc-provider that the token endpoint needs. Its index.js is left out because all it adds is a warning
// that Node 20 is not among the versions it is tested on; we test on it.

declare module 'oidc-provider/lib/provider.js' {
  import type { JWK } from 'jose';
  import type Koa from 'koa';

  interface ClientMetadata {
    client_id: string;
    client_secret: string;
  }

  interface Client {
    readonly clientId: string;
    readonly clientSecret: string;
    compareClientSecret(this: Client, actual: string): boolean;
  }

  interface ResourceServerInfo {
    scope: string;
    audience: string;
    accessTokenFormat: 'jwt';
    accessTokenTTL: number;
    jwt: { sign: { alg: 'ES256' } };
  }

  type OidcContext = Koa.Context & { readonly oidc: { readonly params: { scope?: string } } };

  export class Provider extends Koa {
    constructor(
      issuer: string,
      configuration: {
        adapter: (model: string) => { find(id: string): Promise<ClientMetadata | undefined> };
        clientAuthMethods: ('client_secret_basic' | 'client_secret_post')[];
        clientBasedCORS: () => boolean;
        clientDefaults: Record<string, unknown>;
        features: Record<string, Record<string, unknown>> & {
          resourceIndicators: {
            enabled: true;
            defaultResource: () => string;
            getResourceServerInfo: (ctx: OidcContext, resource: string, client: Client) => ResourceServerInfo;
          };
        };
        jwks: { keys: readonly JWK[] };
        renderError: (ctx: Koa.Context, out: Record<string, string>) => void;
        responseTypes: string[];
        routes: Record<string, string>;
        scopes: readonly string[];
        ttl: Record<string, number>;
      },
    );
    readonly Client: { readonly prototype: Client };
  }
}

declare module 'oidc-provider/lib/helpers/errors.js' {
  export class OIDCProviderError extends Error {
    readonly error: string;
    readonly error_description?: string;
    readonly error_detail?: string;
  }
  export class InvalidScope extends OIDCProviderError {
    constructor(description: string, scope: string);
  }
  export class InvalidTarget extends OIDCProviderError {
    constructor(description: string);
  }
}

declare module 'oidc-provider/lib/helpers/als.js' {
  import type { AsyncLocalStorage } from 'node:async_hooks';

  const contexts: AsyncLocalStorage<unknown>;
  export default contexts;
}
