import type { Authenticator, Grant } from '../access.js';
import { TrackingError } from '../errors.js';
import type { Entrance } from './authenticate.js';

const SCHEME = /^(bearer|token|basic) +(.*)$/i;

/**
 * How programs come in that were made for other services and keep their credentials in a file: a bearer token of ours;
 * `Token`, as clients of InfluxDB send it, with a token of ours or `CLIENT_ID:CLIENT_SECRET`; or HTTP Basic with the
 * client id and secret (RFC 7617).
 */
export const AGENT_ENTRANCE: Entrance = {
  challenge: 'Bearer realm="tracking-api", Basic realm="tracking-api"',
  advice:
    'Send a header "Authorization: Token CLIENT_ID:CLIENT_SECRET", HTTP Basic with the same two, or "Bearer TOKEN" with a token of POST /o/token/.',
  grant: (header, authenticator) => {
    const [, scheme = '', credentials = ''] = SCHEME.exec(header) ?? [];
    if (scheme === '') return undefined;
    const isBasic = /^basic$/i.test(scheme);
    const text = isBasic ? Buffer.from(credentials, 'base64').toString('utf8') : credentials;
    const colon = text.indexOf(':');
    if (isBasic && colon < 0) return undefined;
    // No token of ours holds a colon, and no client id does.
    if (colon < 0 || /^bearer$/i.test(scheme)) return byToken(authenticator, text);
    return authenticator.authenticateClient(text.slice(0, colon), text.slice(colon + 1));
  },
};

/** Tells who took a client id for a token how the two are sent. */
function byToken(authenticator: Authenticator, token: string): Grant | Promise<Grant> {
  const refuse = (error: unknown): never => {
    if (!(error instanceof TrackingError && error.code === 'unauthenticated')) throw error;
    const hint = 'A client id and its secret are sent as "Token CLIENT_ID:CLIENT_SECRET" or as HTTP Basic.';
    throw new TrackingError('unauthenticated', `${error.message} ${hint}`);
  };
  try {
    const grant = authenticator.authenticate(token);
    return grant instanceof Promise ? grant.catch(refuse) : grant;
  } catch (error) {
    return refuse(error);
  }
}
