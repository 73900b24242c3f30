import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type ConnectionOptions, type NatsConnection } from '@nats-io/transport-node';
import { messageOf, TrackingError } from '../errors.js';
import { failureOf } from './failure.js';
import { openSession, type Session, type StreamOptions } from './stream.js';

export interface ConnectionSettings extends StreamOptions {
  /** `nats://` or `tls://`, with user and password or a token where they are needed; several with commas. */
  readonly url: string;
}

const RETRY_PAUSE = 500;
const CONNECT_PATIENCE = 2000;

/** The one connection to NATS: made as soon as there is a server, and made again for ever. */
export class Connection {
  private reason: string;
  private current: Session | undefined;
  private readonly closing = new AbortController();
  private readonly running: Promise<void>;
  private readonly listeners: ((nc: NatsConnection) => void)[] = [];
  private attempt = new AbortController();

  /** Connects in the background. */
  constructor(private readonly settings: ConnectionSettings) {
    this.reason = `The service is connecting to NATS at ${shown(settings.url)}.`;
    this.running = this.run();
  }

  /**
   * What can be worked with now.
   * @throws TrackingError `unavailable` with the reason where there is no connection
   */
  get session(): Session {
    if (this.closing.signal.aborted) throw new TrackingError('unavailable', 'The queue is closed.');
    if (this.current === undefined) throw new TrackingError('unavailable', this.reason, { retryAfter: 5 });
    return this.current;
  }

  get stream(): string {
    return this.settings.name;
  }

  /** Calls back with each new client; one client reconnects by itself and keeps its subscriptions. */
  onClient(listener: (nc: NatsConnection) => void): void {
    this.listeners.push(listener);
    if (this.current !== undefined) listener(this.current.nc);
  }

  /** Looks after the stream and the buckets again: at each connection, and where the stream has gone. */
  renew(nc: NatsConnection): void {
    this.lose('The service is looking after its stream in NATS.');
    this.attempt = new AbortController();
    setMaxListeners(0, this.attempt.signal); // every request under way listens
    void this.prepare(nc, this.attempt.signal);
  }

  /** Resolves with the session as soon as there is one. @throws TrackingError `unavailable` after the time given */
  async established(milliseconds: number): Promise<Session> {
    const end = performance.now() + milliseconds;
    while (this.current === undefined && performance.now() < end) await sleep(20);
    return this.session;
  }

  async close(): Promise<void> {
    this.closing.abort();
    this.attempt.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    const { signal } = this.closing;
    while (!signal.aborted) {
      try {
        const nc = await connect(optionsOf(this.settings.url));
        await this.use(nc).finally(() => nc.close());
      } catch (error) {
        this.reason = `NATS at ${shown(this.settings.url)} cannot be reached: ${messageOf(error)}.`;
      }
      await sleep(RETRY_PAUSE, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Until the client gives the connection up, or we are closing. */
  private async use(nc: NatsConnection): Promise<void> {
    const { signal } = this.closing;
    if (signal.aborted) return;
    const end = (): void => void nc.close();
    signal.addEventListener('abort', end, { once: true });
    for (const listener of this.listeners) listener(nc);
    this.renew(nc);
    for await (const { type } of nc.status()) {
      if (type === 'disconnect') this.lose(`The connection to NATS at ${shown(this.settings.url)} is lost.`);
      else if (type === 'reconnect') this.renew(nc);
    }
    this.lose(`The connection to NATS at ${shown(this.settings.url)} was closed.`);
    signal.removeEventListener('abort', end);
  }

  private lose(reason: string): void {
    this.attempt.abort();
    this.current = undefined;
    this.reason = reason;
  }

  /** Opens a session, and tries again until there is one or the connection is gone. */
  private async prepare(nc: NatsConnection, signal: AbortSignal): Promise<void> {
    const over = (): boolean => signal.aborted;
    while (!over()) {
      try {
        const session = await openSession({ nc, lost: signal }, this.settings);
        if (!over()) this.current = session;
        return;
      } catch (error) {
        if (!over()) this.reason = failureOf(error, '').message;
      }
      await sleep(RETRY_PAUSE, undefined, { signal }).catch(() => undefined);
    }
  }
}

function optionsOf(url: string): ConnectionOptions {
  const addresses = url.split(',').map((address) => new URL(address.trim()));
  const { username, password, protocol } = addresses[0] ?? new URL(url);
  const [user, secret] = [decodeURIComponent(username), decodeURIComponent(password)];
  return {
    servers: addresses.map(({ host }) => host),
    ...(protocol === 'tls:' ? { tls: {} } : {}),
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
function shown(url: string): string {
  return url.replaceAll(/\/\/[^@/,]*@/g, '//');
}
