import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import { type ErrorCode, messageOf, type Mistake, TrackingError } from '../errors.js';
import { codeOf } from './folder.js';

/** What a process that holds the data directory does for others, by name. Arguments and results travel as JSON. */
export type CommandHandlers = Readonly<Record<string, (argument: unknown) => Promise<unknown>>>;

/** A process that holds the data directory, as the processes that ask it see it. */
export interface Holder {
  readonly pid: number;
}

type Answer = { readonly result: unknown } | { readonly failure: Failure } | { readonly stopping: true };

interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly mistakes: readonly Mistake[];
  readonly mistakeCount: number;
  readonly retryAfter?: number;
}

const STATUS_TIMEOUT = 2_000; // ms
const GOODBYE_TIME = 1_000; // ms
const COMMAND_TIMEOUT = 30_000; // ms

/**
 * Answers on a Unix socket: `GET /` says who holds the data directory, as soon as that is settled, and `POST /` carries
 * a command. HTTP, so that `curl --unix-socket` can look in.
 */
export class ControlServer {
  private readonly server: Server;
  private readonly held = deferred<Holder>();
  private readonly handlers = deferred<CommandHandlers | 'none'>();
  private readonly underWay = new Set<Promise<unknown>>();
  private connections = 0;
  private closing = false;

  constructor() {
    this.server = createServer((incoming, outgoing) => void this.answer(incoming, outgoing));
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
  serve(handlers: CommandHandlers): void {
    this.handlers.resolve(handlers);
  }

  /** Begins no further command, and resolves when those under way are done. */
  async finish(): Promise<void> {
    this.closing = true;
    this.handlers.resolve('none');
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
    outgoing.setHeader('Connection', 'close');
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
    const { name, argument } = JSON.parse(await text(incoming)) as { name: string; argument: unknown };
    const handlers = await this.handlers.promise;
    if (handlers === 'none' || this.closing) return { stopping: true };
    const work = run(handlers, name, argument);
    this.underWay.add(work);
    return { result: await work.finally(() => this.underWay.delete(work)) };
  }
}

async function run(handlers: CommandHandlers, name: string, argument: unknown): Promise<unknown> {
  const handler = Object.hasOwn(handlers, name) ? handlers[name] : undefined;
  if (handler === undefined) {
    const known = Object.keys(handlers).join(', ') || 'none';
    throw new TrackingError(
      'not-found',
      `The running service knows no command "${name}"; those it knows: ${known}. Is it of another version?`,
    );
  }
  return handler(argument);
}

/**
 * Who listens on the socket: a holder once it is settled that it is one, `gone` where nobody does (any more), and
 * `silent` where somebody does that cannot be asked: it is stopped, or belongs to another user.
 */
export async function askHolder(path: string): Promise<Holder | 'gone' | 'silent'> {
  for (;;) {
    try {
      const answer = await exchange(path, 'GET', undefined, STATUS_TIMEOUT);
      return 'result' in answer ? (answer.result as Holder) : 'silent';
    } catch (error) {
      if (isNobody(error)) return 'gone';
      // It withdrew while we waited, or was killed: the next attempt tells.
      if (!['ECONNRESET', 'EPIPE'].includes(codeOf(error) ?? '')) return 'silent';
    }
  }
}

/** Whether anybody listens on the socket; also where nobody answers. */
export async function isListening(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error) => {
      resolve(!isNobody(error));
    });
  });
}

/**
 * Has the process that listens on the socket carry out a command.
 * @returns what its handler returned, or `nobody` where none listens or begins commands: then nothing was carried out
 * @throws TrackingError as its handler threw it (anything else thrown there: `internal`), or `unavailable` where no
 *   answer came
 */
export async function sendCommand(
  path: string,
  name: string,
  argument: unknown,
): Promise<{ readonly result: unknown } | 'nobody'> {
  const answer = await exchange(path, 'POST', { name, argument }, COMMAND_TIMEOUT).catch((error: unknown): Answer => {
    if (isNobody(error)) return { stopping: true };
    throw new TrackingError(
      'unavailable',
      `The running service did not answer (${messageOf(error)}); it may have carried out "${name}" or not.`,
      { cause: error },
    );
  });
  if ('failure' in answer) throw toError(answer.failure);
  return 'stopping' in answer ? 'nobody' : answer;
}

function isNobody(error: unknown): boolean {
  const code = codeOf(error);
  return code === 'ECONNREFUSED' || code === 'ENOENT';
}

async function exchange(path: string, method: string, body: unknown, timeout: number): Promise<Answer> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const signal = AbortSignal.timeout(timeout);
    request({ socketPath: path, method, path: '/', signal, agent: false }, resolve)
      .once('error', reject)
      .end(body === undefined ? undefined : JSON.stringify(body));
  });
  return JSON.parse(await text(response)) as Answer;
}

function toFailure(error: unknown): Failure {
  if (!(error instanceof TrackingError)) {
    return { code: 'internal', message: messageOf(error), mistakes: [], mistakeCount: 0 };
  }
  const { code, message, mistakes, mistakeCount, retryAfter } = error;
  return { code, message, mistakes, mistakeCount, ...(retryAfter === undefined ? {} : { retryAfter }) };
}

function toError({ code, message, ...details }: Failure): TrackingError {
  return new TrackingError(code, message, details);
}

function deferred<Value>(): { promise: Promise<Value>; resolve: (value: Value) => void } {
  let resolve: (value: Value) => void = () => undefined;
  const promise = new Promise<Value>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
