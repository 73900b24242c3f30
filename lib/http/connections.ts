import type { Server, ServerResponse } from 'node:http';
import { type Socket, Server as NetServer } from 'node:net';
import { setImmediate } from 'node:timers/promises';

/** How long connections may last without anything happening on them, in milliseconds. */
export interface ConnectionTimes {
  /** A client that sends or takes nothing for so long, or needs longer for a whole request, is cut off. */
  readonly clientTimeout: number;
  /** While closing, a connection that brings nothing for so long is taken to bring nothing more. */
  readonly farewell: number;
}

/** Milliseconds between two looks at which connections have become idle. */
const SWEEP_PAUSE = 20;

/** Milliseconds that a client has for closing its side when we have closed ours. */
const PARTING = 1000;

/** Connections that the kernel takes ahead of us, as far as it allows so many. Beyond it clients see resets and delays. */
export const BACKLOG = 4096;

/** How many bytes a connection had brought when it was last looked at, and how many looks have found it so. */
interface Look {
  readonly bytesRead: number;
  readonly count: number;
}

/**
 * The connections of a server, each with the latest answer begun on it. It tells apart who waits for us, who keeps us
 * waiting, and who is idle, which Node.js does only for a server that closes.
 *
 * A request that is on its way while we close its idle connection can get no answer (RFC 9112 §9.5), and to ask a client
 * for the end takes an answer to ask in. So while closing we wait for the next request of each, and close only the
 * connections that bring none for a while. (An answer sent unasked instead is worse: of clients of Node.js 40 in 13,000
 * threw it away and then sent a request to a closed connection, where without it 15 did.)
 */
export class Connections {
  private readonly latest = new Map<Socket, ServerResponse | undefined>();
  private closing = false;

  constructor(
    private readonly server: Server,
    private readonly times: ConnectionTimes,
  ) {
    server.on('connection', (socket: Socket) => {
      this.latest.set(socket, undefined);
      socket.once('close', () => this.latest.delete(socket));
    });
    // Node.js sets and clears a timer of each connection at every request anyway, for keep-alive.
    server.setTimeout(times.clientTimeout, (socket: Socket) => {
      this.nothingHappened(socket);
    });
  }

  /**
   * To be told of every answer before anything of it is sent.
   * @returns whether it can be given: not where we have closed our side of the connection
   */
  begin(response: ServerResponse): boolean {
    // A response behind another one has no socket yet.
    const { socket } = response.req;
    if (socket.writableEnded) return false;
    if (this.closing) {
      // A request behind another one on the same connection needs it open for longer.
      const before = this.latest.get(socket);
      if (before?.headersSent === false) before.removeHeader('Connection');
      response.setHeader('Connection', 'close');
    }
    this.latest.set(socket, response);
    return true;
  }

  /**
   * Takes no more connections, answers the requests under way and those still arriving, and resolves when all
   * connections are closed. What is still under way after `patience` milliseconds is cut off.
   */
  async close(patience: number): Promise<void> {
    await this.acceptAll();
    const closed = new Promise<void>((resolve) => {
      // Not the close of an HTTP server, which destroys idle connections with the requests on their way to us.
      NetServer.prototype.close.call(this.server, () => {
        resolve();
      });
    });
    this.closing = true;
    for (const response of this.latest.values()) {
      if (response !== undefined && !response.headersSent) response.setHeader('Connection', 'close');
    }
    const looks = new Map<Socket, Look>();
    const sweep = setInterval(() => {
      this.endIdle(looks);
    }, SWEEP_PAUSE);
    const cut = setTimeout(() => {
      this.server.closeAllConnections();
    }, patience);
    await closed;
    clearInterval(sweep);
    clearTimeout(cut);
    this.server.close(); // which ends its own timer
  }

  /** Takes what the kernel has accepted in our name, one connection a turn: it is reset when we stop listening. */
  private async acceptAll(): Promise<void> {
    let accepted = true;
    const note = (): void => {
      accepted = true;
    };
    this.server.on('connection', note);
    for (let turn = 0; accepted && turn < BACKLOG; turn++) {
      accepted = false;
      // A whole phase of input lies between two of these.
      await setImmediate();
      await setImmediate();
    }
    this.server.off('connection', note);
  }

  private isIdle(socket: Socket): boolean {
    const response = this.latest.get(socket);
    return response === undefined || response.writableFinished;
  }

  /** Who waits for the store may go on waiting; who does not take what is sent, or sends nothing, may not. */
  private nothingHappened(socket: Socket): void {
    if (this.isIdle(socket) || socket.writableLength > 0) socket.destroy();
    else socket.setTimeout(this.times.clientTimeout);
  }

  /** Time is counted in looks, however late they come: all that had arrived was read between two of them. */
  private endIdle(looks: Map<Socket, Look>): void {
    for (const socket of this.latest.keys()) {
      if (socket.writableEnded) continue;
      const { bytesRead } = socket;
      const look = looks.get(socket);
      const count = look?.bytesRead === bytesRead && this.isIdle(socket) ? look.count + 1 : 0;
      looks.set(socket, { bytesRead, count });
      if (count * SWEEP_PAUSE >= this.times.farewell) part(socket);
    }
  }
}

/**
 * Closes our side of a connection, and the whole of it when the client has closed its own: a request on its way to a
 * socket that is gone would be answered with a reset. It is read and not carried out, so that it can be sent again.
 */
function part(socket: Socket): void {
  socket.end();
  const cut = setTimeout(() => socket.destroy(), PARTING);
  socket.once('close', () => {
    clearTimeout(cut);
  });
}
