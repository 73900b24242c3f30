import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { setImmediate } from 'node:timers/promises';
import { TrackingError } from '../errors.js';
import { type Answer, type Call, type Holder, type Line, toFailure } from './control-protocol.js';

/** What a process that holds the data directory does for others, by name. Arguments and results travel as JSON. */
export type CommandHandlers = Readonly<Record<string, (argument: unknown) => Promise<unknown>>>;

/** What it gives item by item, by name: each item travels as JSON, and the next is asked for when there is room. */
export type StreamHandlers = Readonly<Record<string, (argument: unknown) => AsyncIterable<unknown>>>;

const GOODBYE_TIME = 1_000; // ms

/**
 * Answers on a Unix socket: `GET /` says who holds the data directory, as soon as that is settled, `POST /` carries a
 * command, and `POST /stream` asks for a stream. HTTP, so that `curl --unix-socket` can look in.
 *
 * Whoever asks closes the connection. Closed here as soon as the answer is sent it would fail for a busy client, which
 * ends a long request with an empty write of its own (EPIPE) before it looks for an answer.
 */
export class ControlServer {
  private readonly server: Server;
  private readonly held = deferred<Holder>();
  private readonly handlers = deferred<Handlers | 'none'>();
  private readonly underWay = new Set<Promise<unknown>>();
  private readonly streams = new Set<ServerResponse>();
  private connections = 0;
  private closing = false;

  constructor() {
    this.server = createServer((incoming, outgoing) => {
      if (incoming.url === '/stream') void this.stream(incoming, outgoing);
      else void this.answer(incoming, outgoing);
    });
    this.server.on('connection', (socket) => {
      this.connections++;
      socket.once('close', () => this.connections--);
    });
  }

  async listen(path: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject).listen(path, resolve);
    });
    this.server.removeAllListeners('error');
  }

  /** From now on `GET /` is answered, also where it waited. */
  hold(): void {
    this.held.resolve({ pid: process.pid });
  }

  /** From now on commands are carried out, also those that waited. */
  serve(commands: CommandHandlers, streams: StreamHandlers = {}): void {
    this.handlers.resolve({ commands, streams });
  }

  /** Begins no further command, cuts off all streams, which may go on for hours, and resolves when commands are done. */
  async finish(): Promise<void> {
    this.closing = true;
    this.handlers.resolve('none');
    for (const outgoing of this.streams) outgoing.destroy();
    while (this.underWay.size > 0) await Promise.allSettled(this.underWay);
  }

  /** Answers those who have connected already, then listens no more. Call it when nobody can find the socket. */
  async close(): Promise<void> {
    const end = Date.now() + GOODBYE_TIME;
    do {
      // Two turns of the event loop, so that what the kernel has accepted is seen.
      await setImmediate();
      await setImmediate();
    } while (this.connections > 0 && Date.now() < end);
    await this.abandon();
  }

  /** Listens no more, whoever waits for an answer. */
  async abandon(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.server.close(() => {
        resolve();
      });
    });
    this.server.closeAllConnections();
    await closed;
  }

  private async answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    outgoing.setHeader('Content-Type', 'application/json');
    outgoing.end(await this.toText(incoming));
  }

  private async toText(incoming: IncomingMessage): Promise<string> {
    try {
      return JSON.stringify(
        incoming.method === 'POST' ? await this.carryOut(incoming) : { result: await this.held.promise },
      );
    } catch (error) {
      return JSON.stringify({ failure: toFailure(error) });
    }
  }

  private async carryOut(incoming: IncomingMessage): Promise<Answer> {
    const { name, argument } = JSON.parse(await text(incoming)) as Call;
    const handlers = await this.handlers.promise;
    if (handlers === 'none' || this.closing) return { stopping: true };
    // In a turn of its own, so that a handler that throws at once fails like any other.
    const work = Promise.resolve().then(() => find(handlers.commands, name)(argument));
    this.underWay.add(work);
    return { result: await work.finally(() => this.underWay.delete(work)) };
  }

  /** The client is answered as fast as it reads, and when it goes away the handler's iterator is ended. */
  private async stream(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    outgoing.setHeader('Content-Type', 'application/x-ndjson');
    this.streams.add(outgoing);
    const flow = pipeline(Readable.from(this.lines(incoming), { highWaterMark: 1 }), outgoing);
    // Whoever hung up needs no word of it.
    await flow.catch(() => undefined);
    this.streams.delete(outgoing);
  }

  private async *lines(incoming: IncomingMessage): AsyncGenerator<string> {
    const toText = (line: Line): string => `${JSON.stringify(line)}\n`;
    try {
      const { name, argument } = JSON.parse(await text(incoming)) as Call;
      const handlers = await this.handlers.promise;
      if (handlers === 'none' || this.closing) {
        yield toText({ stopping: true });
        return;
      }
      let items = 0;
      for await (const item of find(handlers.streams, name)(argument)) {
        yield toText({ item });
        items++;
      }
      yield toText({ items });
    } catch (error) {
      yield toText({ failure: toFailure(error) });
    }
  }
}

interface Handlers {
  readonly commands: CommandHandlers;
  readonly streams: StreamHandlers;
}

function find<Handler>(handlers: Readonly<Record<string, Handler>>, name: string): Handler {
  const handler = Object.hasOwn(handlers, name) ? handlers[name] : undefined;
  if (handler === undefined) {
    const known = Object.keys(handlers).join(', ') || 'none';
    throw new TrackingError(
      'not-found',
      `The running service knows no command "${name}"; those it knows: ${known}. Is it of another version?`,
    );
  }
  return handler;
}

function deferred<Value>(): { promise: Promise<Value>; resolve: (value: Value) => void } {
  let resolve: (value: Value) => void = () => undefined;
  const promise = new Promise<Value>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
