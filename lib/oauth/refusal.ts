import type Koa from 'koa';
import { OIDCProviderError } from 'oidc-provider/lib/helpers/errors.js';

/** An error response of RFC 6749 §5.2; the description has no quotation marks and no backslashes. */
export interface Refusal {
  readonly status: number;
  readonly error: string;
  readonly description: string;
}

/** Answers with an error in the form of OAuth. */
export function refuse(ctx: Koa.Context, { status, error, description }: Refusal): void {
  ctx.status = status;
  ctx.set('Cache-Control', 'no-store');
  // RFC 9110 §11.6.1 wants a challenge with each 401.
  if (status === 401) ctx.set('WWW-Authenticate', 'Basic realm="/o/token/", charset="UTF-8"');
  ctx.body = { error, error_description: description };
}

export const TOO_LARGE: Refusal = {
  status: 413,
  error: 'invalid_request',
  description: 'The body may have at most 56 KiB.',
};

const HOW_TO_AUTHENTICATE =
  'Authenticate with HTTP Basic (client_id:client_secret), or with client_id and client_secret in the body.';
const NOT_AUTHENTICATED: Refusal = { status: 401, error: 'invalid_client', description: HOW_TO_AUTHENTICATE };
const WRONG_CREDENTIALS: Refusal = {
  status: 401,
  error: 'invalid_client',
  description: 'The client_id is unknown, or the client_secret is wrong.',
};

/** By what the provider itself says, where its words or its status can be bettered. */
const BY_WORDS: Readonly<Record<string, Refusal>> = {
  'client not found': WRONG_CREDENTIALS,
  'invalid secret provided': WRONG_CREDENTIALS,
  'no client authentication mechanism provided': NOT_AUTHENTICATED,
  'the provided authentication mechanism does not match the registered client authentication method': NOT_AUTHENTICATED,
  'client_secret must be provided in the Authorization header': NOT_AUTHENTICATED,
  'invalid authorization header value format': {
    ...NOT_AUTHENTICATED,
    description: `The Authorization header is not that of HTTP Basic. ${HOW_TO_AUTHENTICATE}`,
  },
  'client_id and client_secret in the authorization header are not properly encoded': invalidRequest(
    'The client_id and client_secret in the Authorization header are not percent-encoded as RFC 6749 section 2.3.1 says.',
  ),
  'client authentication must only be provided using one mechanism': invalidRequest(
    'The credentials came twice: send them in the Authorization header or in the body, not in both.',
  ),
  'client_id mismatch': invalidRequest('The client_id in the body is not that of the Authorization header.'),
  'request entity too large': TOO_LARGE,
  'failed to parse the request body': invalidRequest('The body could not be read as a form.'),
  "missing required parameter 'grant_type'": invalidRequest('The body needs grant_type=client_credentials.'),
  'unsupported grant_type requested': {
    status: 400,
    error: 'unsupported_grant_type',
    description: 'The only grant_type here is client_credentials.',
  },
  'scope contains invalid characters': {
    status: 400,
    error: 'invalid_scope',
    description: 'The scope must be a list of scopes with one space between each two.',
  },
};

/** Puts a refusal of the provider into our words; those that are plain already stay. */
export function explain(ctx: Koa.Context, error: unknown): void {
  if (!(error instanceof OIDCProviderError)) return;
  const known = BY_WORDS[error.error_detail ?? ''] ?? BY_WORDS[error.error_description ?? ''];
  if (known !== undefined) refuse(ctx, known);
  else if (error.error_description?.startsWith('only application/x-www-form-urlencoded') === true) {
    refuse(ctx, invalidRequest('The body must be a form: Content-Type application/x-www-form-urlencoded.'));
  }
}

function invalidRequest(description: string): Refusal {
  return { status: 400, error: 'invalid_request', description };
}
