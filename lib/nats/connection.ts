import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { messageOf, TrackingError } from '../errors.js';
import { optionsOf, RETRY_PAUSE, shown } from './address.js';
import { failureOf, isMissing, unreachedFor } from './failure.js';
import {
  eraOf,
  holdsStill,
  lossesIn,
  lossNotes,
  type Loss,
  type Numbering,
  type Reached,
  sequenceNow,
} from './numbering.js';
import { openSession, type Session, type StreamOptions } from './stream.js';

export interface ConnectionSettings extends StreamOptions {
  /** `nats://` or `tls://`, with user and password or a token where they are needed; several with commas. */
  readonly url: string;
  /** Told where NATS turns out to have lost something. */
  readonly onLoss: (noted: Loss) => void;
}

/** Milliseconds between two looks at whether the stream is still the one it was. */
const LOOK_PAUSE = 1000;

/** The one connection to NATS: made as soon as there is a server, and made again for ever. */
export class Connection {
  private reason: Reason = { sentence: 'The service is connecting to NATS.' };
  private current: Session | undefined;
  private readonly closing = new AbortController();
  private readonly running: Promise<void>;
  private readonly listeners: ((nc: NatsConnection) => void)[] = [];
  private attempt = new AbortController();
  private numbering: Numbering | undefined;
  /** The greatest number that this instance has seen a message of. */
  private furthest: Reached = { generation: '', era: 0, sequence: 0 };

  /** Connects in the background. */
  constructor(private readonly settings: ConnectionSettings) {
    this.running = this.run();
  }

  /**
   * What can be worked with now.
   * @throws TrackingError `unavailable` with the reason where there is no connection
   */
  get session(): Session {
    if (this.closing.signal.aborted) throw new TrackingError('unavailable', 'The queue is closed.');
    if (this.current === undefined) throw unavailable(this.reason);
    return this.current;
  }

  get stream(): string {
    return this.settings.name;
  }

  /** Notes that there is a message of this number: should NATS come back without it, it has lost it. */
  saw({ numbering }: Session, sequence: number): void {
    const [generation, era] = [numbering.generation, eraOf(numbering)];
    if (this.current?.numbering !== numbering || sequence <= this.furthest.sequence) return;
    this.furthest = { generation, era, sequence };
  }

  /** What NATS has lost lately, in sentences; and how often it has lost something. */
  get losses(): { readonly notes: readonly string[]; readonly count: number } {
    const { numbering } = this;
    return numbering === undefined
      ? { notes: [], count: 0 }
      : { notes: lossNotes(numbering), count: lossesIn(numbering).length };
  }

  /**
   * Whether the stream is still the one that the session is about; where it is not, the session ends, and the next one
   * begins with what has changed.
   */
  async confirm(session: Session): Promise<boolean> {
    const { sequence } = this.furthest;
    const stream = () => session.jsm.streams.info(session.stream);
    const holds = await holdsStill(session.writers, session.numbering, sequence, stream).catch((error: unknown) => {
      if (isMissing(error)) return false;
      throw error;
    });
    if (this.current !== session) return false;
    if (!holds) this.renew(session.nc);
    return holds;
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
        this.reason = { sentence: unreachedFor(error), cause: this.located(messageOf(error)) };
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
      if (type === 'disconnect') this.lose('The connection to NATS is lost.');
      else if (type === 'reconnect') this.renew(nc);
    }
    this.lose('The connection to NATS was closed.');
    signal.removeEventListener('abort', end);
  }

  /** For the log, which may say where NATS is. */
  private located(message: string): Error {
    return new Error(`${shown(this.settings.url)}: ${message}`);
  }

  private lose(sentence: string): void {
    this.attempt.abort();
    this.current = undefined;
    this.reason = { sentence, cause: this.located(sentence) };
  }

  /** Opens a session, and tries again until there is one or the connection is gone. */
  private async prepare(nc: NatsConnection, signal: AbortSignal): Promise<void> {
    const over = (): boolean => signal.aborted;
    while (!over()) {
      try {
        const { numbering, furthest } = this;
        const session = await openSession({ nc, lost: signal }, this.settings, {
          numbering,
          reached: [furthest],
          onLoss: this.settings.onLoss,
        });
        if (over()) return;
        this.begin(session);
        await this.watch(session, signal);
        return;
      } catch (error) {
        if (!over()) this.reason = { sentence: failureOf(error, '').message, cause: this.located(messageOf(error)) };
      }
      await sleep(RETRY_PAUSE, undefined, { signal }).catch(() => undefined);
    }
  }

  private begin(session: Session): void {
    const { numbering } = session;
    const { generation } = numbering;
    this.numbering = numbering;
    this.furthest = { generation, era: eraOf(numbering), sequence: sequenceNow(numbering, this.furthest) };
    this.current = session;
  }

  /** Looks now and then, until the session is lost: a stream can be deleted and made anew under a living connection. */
  private async watch(session: Session, signal: AbortSignal): Promise<void> {
    const over = (): boolean => signal.aborted;
    while (!over()) {
      await sleep(LOOK_PAUSE, undefined, { signal, ref: false }).catch(() => undefined);
      // What does not answer now will be asked again; a dead connection is noticed by its own pings.
      if (!over()) await this.confirm(session).catch(() => undefined);
    }
  }
}

/** Why there is no session: for everybody, and for whoever reads the log. */
interface Reason {
  readonly sentence: string;
  readonly cause?: Error;
}

function unavailable({ sentence, cause }: Reason): TrackingError {
  return new TrackingError('unavailable', sentence, { retryAfter: 5, ...(cause === undefined ? {} : { cause }) });
}
