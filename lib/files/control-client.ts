import { request, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { messageOf, TrackingError } from '../errors.js';
import { type Answer, type Holder, type Line, toError } from './control-protocol.js';
import { codeOf } from './folder.js';

const STATUS_TIMEOUT = 2_000; // ms
const COMMAND_TIMEOUT = 30_000; // ms

/** The connection is closed here, once the answer has come. */
const HEADERS = { Connection: 'keep-alive' };

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
 * @param timeout - milliseconds to wait for the answer
 * @returns what its handler returned, or `nobody` where none listens or begins commands: then nothing was carried out
 * @throws TrackingError as its handler threw it (anything else thrown there: `internal`), or `unavailable` where no
 *   answer came
 */
export async function sendCommand(
  path: string,
  name: string,
  argument: unknown,
  timeout = COMMAND_TIMEOUT,
): Promise<{ readonly result: unknown } | 'nobody'> {
  const answer = await exchange(path, 'POST', { name, argument }, timeout).catch((error: unknown): Answer => {
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

/**
 * The items that the process that listens on the socket gives.
 * @throws TrackingError as its handler threw it, or `unavailable` where the stream was cut off or did not begin
 */
export async function* receiveStream(path: string, name: string, argument: unknown): AsyncGenerator {
  const response = await begin(path, name, argument);
  let items = 0;
  try {
    for await (const text of linesOf(response)) {
      const line = JSON.parse(text) as Line;
      if ('failure' in line) throw toError(line.failure);
      if ('stopping' in line) break;
      if ('items' in line) {
        if (line.items === items) return;
        break;
      }
      items++;
      yield line.item;
    }
  } catch (error) {
    throw error instanceof TrackingError ? error : cutOff(error);
  } finally {
    response.destroy();
  }
  throw cutOff(undefined);
}

function begin(path: string, name: string, argument: unknown): Promise<IncomingMessage> {
  return new Promise<IncomingMessage>((resolve, reject) => {
    request({ socketPath: path, method: 'POST', path: '/stream', agent: false, headers: HEADERS }, resolve)
      .once('error', reject)
      .end(JSON.stringify({ name, argument }));
  }).catch((error: unknown) => {
    throw cutOff(error);
  });
}

async function* linesOf(response: IncomingMessage): AsyncGenerator<string> {
  response.setEncoding('utf8');
  // Most lines are longer than the pieces they come in, so pieces are joined only where a line ends.
  let pieces: string[] = [];
  for await (const piece of response as AsyncIterable<string>) {
    const [head = '', ...lines] = piece.split('\n');
    pieces.push(head);
    for (const next of lines) {
      yield pieces.join('');
      pieces = [next];
    }
  }
}

function cutOff(cause: unknown): TrackingError {
  return new TrackingError('unavailable', 'The running service stopped before it had given everything.', { cause });
}

function isNobody(error: unknown): boolean {
  const code = codeOf(error);
  return code === 'ECONNREFUSED' || code === 'ENOENT';
}

async function exchange(path: string, method: string, body: unknown, timeout: number): Promise<Answer> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const signal = AbortSignal.timeout(timeout);
    request({ socketPath: path, method, path: '/', signal, agent: false, headers: HEADERS }, resolve)
      .once('error', reject)
      .end(body === undefined ? undefined : JSON.stringify(body));
  });
  return JSON.parse(await text(response)) as Answer;
}
