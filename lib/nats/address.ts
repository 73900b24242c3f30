import { isIP } from 'node:net';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import type { ConnectionOptions, TlsOptions } from '@nats-io/transport-node';

/** Milliseconds. */
export const RETRY_PAUSE = 500;
const CONNECT_PATIENCE = 2000;

/** What the client has to know of an address as the settings have it. */
export function optionsOf(url: string): ConnectionOptions {
  const addresses = url.split(',').map((address) => new URL(address.trim()));
  const { username, password, protocol } = addresses[0] ?? new URL(url);
  const [user, secret] = [decodeURIComponent(username), decodeURIComponent(password)];
  return {
    servers: addresses.map(({ host }) => host),
    ...(protocol === 'tls:' ? { tls: tlsTo(addresses.map(({ hostname }) => hostname)) } : {}),
    ...(user === '' ? {} : secret === '' ? { token: user } : { user, pass: secret }),
    name: 'tracking',
    timeout: CONNECT_PATIENCE,
    maxReconnectAttempts: -1,
    reconnectTimeWait: RETRY_PAUSE,
    ignoreAuthErrorAbort: true,
    // So that a half-open connection is noticed.
    pingInterval: 3000,
    maxPingOut: 2,
  };
}

/** Without user, password and token. */
export function shown(url: string): string {
  return url.replaceAll(/\/\/[^@/,]*@/g, '//');
}

/** The client looks for the name "localhost" in the certificate of a server that is addressed by its number. */
function tlsTo(hosts: readonly string[]): TlsOptions {
  const numbers = hosts.map((host) => host.replace(/^\[(.*)\]$/, '$1')).filter((host) => isIP(host) !== 0);
  const check = (name: string, certificate: PeerCertificate): Error | undefined => {
    const mismatch = checkServerIdentity(name, certificate);
    const named = numbers.some((number) => checkServerIdentity(number, certificate) === undefined);
    return named ? undefined : mismatch;
  };
  return { checkServerIdentity: check } as TlsOptions;
}
