import { commandLine, quoted } from './command-line.js';

/** What a new user needs to try the service. */
export interface FirstSteps {
  /** Where the service listens. */
  readonly url: string;
  readonly clientId: string;
  /** Left out where it is not known any more: then it is to be filled in. */
  readonly clientSecret?: string;
}

/** Commands to paste: the credentials as variables, a token, an event, an aggregate. */
export function welcome({ url, clientId, clientSecret }: FirstSteps): string {
  const secret = quoted(clientSecret ?? `the secret of ${clientId}`);
  const add = commandLine('application add NAME');
  const lost = clientSecret === undefined ? `, with the secret that was printed once ("${add}" gives another)` : '';
  return [
    '',
    `The service listens on ${url}. Try it in another terminal${lost}:`,
    '',
    `export CLIENT_ID=${clientId} CLIENT_SECRET=${secret}`,
    '',
    `TOKEN=$(curl -s -u "$CLIENT_ID:$CLIENT_SECRET" -d grant_type=client_credentials ${url}/o/token/ | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')`,
    '',
    `curl -s ${url}/api/track/ -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d '{"namespace": "Frontend", "name": "pageView", "value": 1}'`,
    '',
    `curl -s -H "Authorization: Bearer $TOKEN" '${url}/api/events/Frontend/pageView?granularity=hour&aggregationType=count'`,
    '',
    `All there is to send and to ask: ${url}/docs`,
    '',
  ].join('\n');
}
