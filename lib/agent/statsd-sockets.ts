import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { messageOf, TrackingError } from '../errors.js';
import { listenOnUnixSocket } from './statsd-stream.js';

/** Where StatsD clients send to. */
export interface StatsDSockets {
  /** The UDP port; undefined where there is none. */
  readonly port: number | undefined;
  close(): Promise<void>;
}

const RECEIVE_BUFFER = 2 ** 20; // bytes, as far as the system allows it

/**
 * Listens on the loopback addresses for datagrams, each one or several lines, and on a Unix socket for streams of lines.
 * @param port - of UDP, 0 for a free one
 * @param path - of the Unix socket
 * @throws TrackingError `unavailable` where one of them cannot be had
 */
export async function listenForStatsD(
  { port, path }: { readonly port: number | undefined; readonly path: string | undefined },
  receive: (packet: string) => void,
): Promise<StatsDSockets> {
  const closers: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const one of closers.splice(0)) await one();
  };
  try {
    const socket = port === undefined ? undefined : await bind('udp4', '127.0.0.1', port, receive);
    if (socket !== undefined) {
      closers.push(() => closed(socket));
      const six = await bind('udp6', '::1', socket.address().port, receive).catch(() => undefined);
      if (six !== undefined) closers.push(() => closed(six));
    }
    if (path !== undefined) closers.push(await listenOnUnixSocket(path, receive));
    return { port: socket?.address().port, close };
  } catch (error) {
    const [where, setting] =
      port === undefined || closers.length > 0 ? [String(path), 'statsdSocket'] : [`UDP port ${port}`, 'statsd'];
    await close();
    throw new TrackingError(
      'unavailable',
      `StatsD cannot be taken on ${where}: ${messageOf(error)}. ${adviceFor(error, setting)}`,
      { cause: error },
    );
  }
}

/** Node.js says EACCES of a folder that is not there, too. */
function adviceFor(error: unknown, setting: string): string {
  if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE')
    return `Something else has it: choose another one (${setting}).`;
  if (setting === 'statsd') return 'Choose another one (statsd).';
  return 'The folder must be there, and the user of the agent be allowed to write to it (statsdSocket).';
}

async function bind(
  type: 'udp4' | 'udp6',
  address: string,
  port: number,
  receive: (packet: string) => void,
): Promise<Socket> {
  const socket = createSocket({ type, recvBufferSize: RECEIVE_BUFFER, ...(type === 'udp6' && { ipv6Only: true }) });
  socket.on('message', (packet) => {
    receive(packet.toString());
  });
  socket.bind(port, address);
  try {
    await once(socket, 'listening');
  } catch (error) {
    socket.close();
    throw error;
  }
  socket.on('error', () => undefined);
  return socket;
}

async function closed(socket: Socket): Promise<void> {
  const done = once(socket, 'close');
  socket.close();
  await done;
}
