import { adoptTags } from '../adoption.js';
import { messageOf, TrackingError } from '../errors.js';
import type { TrackedEvent } from '../event.js';
import type { Logger } from '../log.js';
import { DiskBuffer } from './buffer.js';
import { type Clock, nextTick } from './clock.js';
import type { Figure } from './figure.js';
import { type FigureReader, Host, hostSources } from './host.js';
import { RefusedEvents } from './refused.js';
import { Sender } from './sender.js';
import type { AgentSettings } from './settings.js';
import { StatsD } from './statsd.js';
import { listenForStatsD, type StatsDSockets } from './statsd-sockets.js';
import { type AgentStatus, bufferedIn, History, textOf } from './status.js';
import { Tokens } from './tokens.js';
import { Transport } from './transport.js';

export interface AgentParts {
  readonly settings: AgentSettings;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Of the package, for the service's log. */
  readonly version: string;
  /** In place of the figures of this host. */
  readonly figures?: FigureReader;
  /** Called after each interval, when its events are on disk. */
  readonly kept?: (events: readonly TrackedEvent[]) => void;
}

const MAX_AT_ONCE = 1000; // figures that become events together
const GOODBYE = 3000; // ms that an orderly stop tries to send what is left

/** Takes the figures at each full interval, keeps them on disk, and sends what is there. */
export class Agent {
  private readonly stopping = new AbortController();
  private readonly startedAt: number;
  private statsd: StatsD | undefined;
  private sockets: StatsDSockets | undefined;
  private readonly news = new Bell();
  private readonly transport: Transport;
  private readonly sender: Sender;
  /** Why the buffer could not be written the last time. */
  private unwritable: string | undefined;
  private gone: TrackingError | undefined;

  private constructor(
    private readonly parts: AgentParts,
    private readonly figures: FigureReader,
    private readonly buffer: DiskBuffer,
    private readonly history: History,
  ) {
    const { url, timeout } = parts.settings;
    this.startedAt = parts.clock.now();
    this.transport = new Transport({ url, timeout, version: parts.version });
    this.sender = this.newSender();
  }

  /** @throws TrackingError where the buffer or a socket cannot be had */
  static async open(parts: AgentParts): Promise<Agent> {
    const { settings, clock, logger } = parts;
    const history = new History(settings.buffer);
    const limits = { maxAge: settings.bufferTime, maxBytes: settings.bufferSize };
    const buffer = await DiskBuffer.open(settings.buffer, limits, clock, (events, reason) => {
      history.dropped(events);
      logger.warn('events were dropped that could not be sent', { events, reason });
    });
    const agent = new Agent(
      parts,
      parts.figures ?? hostFigures(settings, (...words) => logger.warn(...words)),
      buffer,
      history,
    );
    try {
      await agent.openStatsD();
    } catch (error) {
      await buffer.close();
      throw error;
    }
    return agent;
  }

  private async openStatsD(): Promise<void> {
    const { settings, logger } = this.parts;
    if (settings.statsd === null && settings.statsdSocket === null) return;
    const statsd = new StatsD({ percentiles: settings.percentiles, say: (message) => logger.warn(message) });
    const places = { port: settings.statsd ?? undefined, path: settings.statsdSocket ?? undefined };
    this.sockets = await listenForStatsD(places, (packet) => {
      statsd.receive(packet);
    });
    this.statsd = statsd;
  }

  /** The UDP port of StatsD; undefined where there is none. */
  get statsdPort(): number | undefined {
    return this.sockets?.port;
  }

  /** Runs until it is stopped. @throws TrackingError `unavailable` where its buffer directory was taken from it */
  async run(): Promise<void> {
    const sending = this.send();
    await this.collect();
    this.news.ring();
    await sending;
    const leaving = new AbortController();
    const patience = setTimeout(() => {
      leaving.abort();
    }, GOODBYE);
    await this.sender.drain(leaving.signal);
    clearTimeout(patience);
    await this.close();
    if (this.gone !== undefined) throw this.gone;
  }

  private async close(): Promise<void> {
    this.transport.close();
    await this.history.save().catch(() => undefined);
    await this.sockets?.close();
    await this.buffer.close();
  }

  /** Takes one last look at what StatsD clients have sent, sends for a moment longer, and ends. */
  stop(): void {
    this.stopping.abort();
  }

  status(): AgentStatus {
    return {
      running: true,
      pid: process.pid,
      startedAt: textOf(this.startedAt),
      url: this.parts.settings.url.href,
      buffered: bufferedIn(this.buffer.state),
      statsd: this.statsd?.counts ?? null,
      ...this.history.state,
    };
  }

  private async collect(): Promise<void> {
    const { clock, settings } = this.parts;
    const { signal } = this.stopping;
    await this.figures.read(); // what rates are counted from
    for (;;) {
      const time = await nextTick(clock, settings.interval, signal);
      if (signal.aborted) break;
      const figures = await this.figures.read();
      await this.keepAll([...figures, ...this.fromStatsD()], time);
      this.news.ring();
    }
    await this.keepAll(this.fromStatsD(), clock.now());
  }

  private fromStatsD(): Figure[] {
    return this.statsd?.flush() ?? [];
  }

  /** Not at once: as events and as text thousands of figures take many times what they take by themselves. */
  private async keepAll(figures: readonly Figure[], time: number): Promise<void> {
    await this.keep(figures.slice(0, MAX_AT_ONCE), time);
    for (let at = MAX_AT_ONCE; at < figures.length; at += MAX_AT_ONCE) {
      await this.keep(figures.slice(at, at + MAX_AT_ONCE), time);
    }
  }

  private async keep(figures: readonly Figure[], time: number): Promise<void> {
    const { settings, logger, kept } = this.parts;
    const events = eventsOf(figures, settings, time);
    try {
      await this.buffer.append(events);
      this.unwritable = undefined;
      kept?.(events);
    } catch (error) {
      this.history.dropped(events.length);
      const message = `The buffer ${settings.buffer} cannot be written: ${messageOf(error)}`;
      // The message names a file, which is another one each time.
      const why = (error as NodeJS.ErrnoException).code ?? message;
      if (this.unwritable !== why) logger.error(message);
      this.unwritable = why;
      this.history.failed(message, this.parts.clock.now());
      if (why === 'ENOENT') this.endWithoutBuffer();
    }
    // Where this fails the next interval's may not, and only counts are older.
    await this.history.save().catch(() => undefined);
  }

  /** Without its directory it has no lock and no position either, so it begins anew. */
  private endWithoutBuffer(): void {
    const { buffer } = this.parts.settings;
    const message = `The buffer directory ${buffer} is gone, with what waited in it. Start the agent again: it makes a new one.`;
    this.gone = new TrackingError('unavailable', message);
    this.stop();
  }

  private async send(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      await this.sender.drain(signal);
      await this.news.heard();
    }
  }

  private newSender(): Sender {
    const { settings, clock, logger } = this.parts;
    let lastReason: string | undefined;
    return new Sender({
      buffer: this.buffer,
      transport: this.transport,
      tokens: new Tokens(settings),
      refused: new RefusedEvents(settings.buffer, (event, reason, file) => {
        logger.error('an event was refused and set aside', { reason, event, file });
      }),
      clock,
      batch: settings.batch,
      observer: {
        sent: (events) => {
          if (lastReason !== undefined) logger.info('events are taken again', { waiting: this.buffer.state.events });
          lastReason = undefined;
          this.history.sent(events, clock.now());
        },
        refused: (events) => {
          this.history.refused(events);
        },
        failed: (reason, wait) => {
          if (reason !== lastReason)
            logger.warn('events wait in the buffer', { reason, retryInSeconds: Math.round(wait / 100) / 10 });
          lastReason = reason;
          this.history.failed(reason, clock.now());
        },
      },
    });
  }
}

/** Something happened, perhaps before anybody listened. */
class Bell {
  private rung = false;
  private answer: (() => void) | undefined;

  ring(): void {
    this.rung = true;
    this.answer?.();
  }

  /** Resolves when it has rung since the last time. */
  async heard(): Promise<void> {
    if (!this.rung) {
      await new Promise<void>((resolve) => {
        this.answer = resolve;
      });
    }
    this.rung = false;
  }
}

/** The figures of this host, as the settings choose them. */
export function hostFigures(settings: AgentSettings, warn: (message: string, details: object) => void): Host {
  const said = new Set<string>();
  return new Host(hostSources(), settings, (error) => {
    const message = messageOf(error);
    if (!said.has(message)) warn('some figures cannot be had', { reason: message });
    said.add(message);
  });
}

/** @param time - of the interval, milliseconds since 1970 */
export function eventsOf(
  figures: readonly Figure[],
  { namespace, tags }: Pick<AgentSettings, 'namespace' | 'tags'>,
  time: number,
): TrackedEvent[] {
  return figures.map((figure) => ({
    namespace,
    name: figure.name,
    timestamp: time / 1000,
    value: figure.value,
    tags: adoptTags(Object.entries({ ...tags, ...figure.tags })),
  }));
}
