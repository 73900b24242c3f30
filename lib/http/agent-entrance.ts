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
    if (colon < 0 || /^bearer$/i.test(scheme)) return authenticator.authenticate(text);
    return authenticator.authenticateClient(text.slice(0, colon), text.slice(colon + 1));
  },
};
