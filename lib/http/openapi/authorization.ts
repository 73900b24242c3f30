import { SCOPES, type Scope } from '../../access.js';
import { answerOf, headersNamed } from './responses.js';
import { ADDRESS, shell } from './samples.js';
import { type Operation, type Paths, type Response, schemaNamed } from './types.js';

export const TOKEN_PATH = '/o/token/';

const SCOPE_MEANINGS: Readonly<Record<Scope, string>> = {
  read: 'List namespaces and names.',
  write: 'Track events.',
  aggregation: 'Ask for aggregates.',
  delete: 'Delete events.',
};

/** `components.securitySchemes` of the document. */
export const securitySchemes = {
  oauth2: {
    type: 'oauth2',
    description: 'Client credentials (RFC 6749 §4.4). The token goes in the `Authorization` header and nowhere else.',
    flows: {
      clientCredentials: {
        tokenUrl: TOKEN_PATH,
        scopes: Object.fromEntries(SCOPES.map((scope) => [scope, SCOPE_MEANINGS[scope]])),
      },
    },
  },
  client: {
    type: 'http',
    scheme: 'basic',
    description: 'The `client_id` and the `client_secret` of an application.',
  },
} as const;

const getToken: Operation = {
  operationId: 'getToken',
  tags: ['Authorization'],
  summary: 'Get a token',
  description:
    'OAuth 2.0 client credentials, with HTTP Basic or with `client_id` and `client_secret` in the body. Errors here have the form of OAuth (RFC 6749 §5.2).',
  security: [{ client: [] }, {}],
  requestBody: {
    required: true,
    content: {
      'application/x-www-form-urlencoded': {
        schema: schemaNamed('TokenRequest'),
        examples: { allScopes: { value: { grant_type: 'client_credentials' } } },
      },
    },
  },
  responses: {
    200: answerOf('The token.', schemaNamed('Token'), {
      access_token: 'eyJhbGciOiJFUzI1NiIs…',
      expires_in: 3600,
      token_type: 'Bearer',
      scope: SCOPES.join(' '),
    }),
    400: refusal('The form is not right; `error` says in which way.', {
      error: 'unsupported_grant_type',
      error_description: 'The only grant_type here is client_credentials.',
    }),
    401: {
      ...refusal('The credentials are missing or wrong.', {
        error: 'invalid_client',
        error_description: 'The client_id is unknown, or the client_secret is wrong.',
      }),
      headers: headersNamed('WWW-Authenticate'),
    },
    413: refusal('The body has more than 56 KiB.'),
    500: refusal('A defect of the service.'),
    503: { ...refusal('The applications cannot be looked up now.'), headers: headersNamed('Retry-After') },
  },
  'x-codeSamples': [
    shell(
      'A token with all scopes of the application',
      `curl -s -u "$CLIENT_ID:$CLIENT_SECRET" \\\n  -d grant_type=client_credentials '${ADDRESS}${TOKEN_PATH}'`,
    ),
  ],
};

export const authorization: Paths = {
  [TOKEN_PATH]: { post: getToken },
  '/o/jwks/': { get: publicDocument('getKeys', 'The keys that tokens are signed with', 'A JWK Set (RFC 7517).') },
  '/.well-known/oauth-authorization-server': {
    get: publicDocument(
      'getAuthorizationMetadata',
      'The metadata of the authorization server',
      'What it offers and where (RFC 8414).',
    ),
  },
};

function publicDocument(operationId: string, summary: string, description: string): Operation {
  return {
    operationId,
    tags: ['Authorization'],
    summary,
    description,
    security: [],
    responses: {
      200: {
        description,
        headers: headersNamed(),
        content: { 'application/json': { schema: { type: 'object' } } },
      },
    },
  };
}

function refusal(
  description: string,
  example?: { readonly error: string; readonly error_description: string },
): Response {
  return answerOf(description, schemaNamed('OAuthError'), example);
}
