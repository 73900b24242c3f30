/** What a new user needs to try the service. */
export interface FirstSteps {
  /** Where the service listens. */
  readonly url: string;
  readonly credentials: Credentials;
}

export type Credentials =
  | { readonly clientId: string; readonly clientSecret: string }
  /** Where the secret is not known any more, or not to be shown: then the commands ask for it. */
  | { readonly clientId: string; readonly clientSecret?: undefined }
  /** The command that registers an application, where there is none and no secret is to be shown. */
  | { readonly registration: string };

/** Three commands to paste: a token, an event, an aggregate. */
export function welcome({ url, credentials }: FirstSteps): string {
  const { words, user } = introduce(credentials);
  return [
    '',
    `The service listens on ${url}. Try it in another terminal:`,
    '',
    ...words.flatMap((line) => [line, '']),
    `TOKEN=$(curl -s -u "${user}" -d grant_type=client_credentials ${url}/o/token/ | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')`,
    '',
    `curl -s ${url}/api/track/ -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d '{"namespace": "Frontend", "name": "pageView", "value": 1}'`,
    '',
    `curl -s -H "Authorization: Bearer $TOKEN" '${url}/api/events/Frontend/pageView?granularity=hour&aggregationType=count'`,
    '',
    `All there is to send and to ask: ${url}/docs`,
    '',
  ].join('\n');
}

/** What is to be said of the credentials, and how they stand in a command. */
function introduce(credentials: Credentials): { readonly words: readonly string[]; readonly user: string } {
  if ('registration' in credentials) {
    return {
      words: ['(The first command registers an application: secrets are shown in a terminal alone, and this is none.)'],
      user: `$(${credentials.registration} --json | sed 's/.*"id":"\\([^"]*\\)".*"secret":"\\([^"]*\\)".*/\\1:\\2/')`,
    };
  }
  const { clientId, clientSecret } = credentials;
  return clientSecret === undefined
    ? { words: [`Where CLIENT_SECRET is the secret of ${clientId}:`], user: `${clientId}:$CLIENT_SECRET` }
    : { words: [], user: `${clientId}:${clientSecret}` };
}
