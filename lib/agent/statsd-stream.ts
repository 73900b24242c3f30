import { once } from 'node:events';
import { chmod, lstat, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';

/** Bytes; what goes on for longer without an end is no StatsD. */
const MAX_PACKET = 64 * 1024;
/** Each may keep a packet that is not whole yet. */
const MAX_CLIENTS = 1000;
const NEWLINE = 10;

/**
 * Listens on a Unix socket for streams: Node.js has no datagrams there. A client sends lines, or packets of lines each
 * after its length in four bytes, the lowest first, as DogStatsD clients do with `unixstream://`.
 * @returns what ends it, and removes the socket
 */
export async function listenOnUnixSocket(
  path: string,
  receive: (packet: string) => void,
): Promise<() => Promise<void>> {
  const before = await lstat(path).catch(() => undefined);
  // What an agent left that was killed; another program's file or socket stays, and listening fails.
  if (before?.isSocket() === true && !(await isListening(path))) await rm(path, { force: true });
  const clients = new Set<Socket>();
  const server = createServer((client) => {
    clients.add(client);
    client.on('error', () => undefined).once('close', () => clients.delete(client));
    read(client, receive);
  });
  server.maxConnections = MAX_CLIENTS;
  server.listen(path);
  await once(server, 'listening');
  // Programs of all users of the host may send; whom the folder lets in is its owner's matter.
  await chmod(path, 0o666);
  return async () => {
    for (const client of clients) client.destroy();
    server.close();
    await once(server, 'close');
  };
}

function isListening(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const client = connect(path);
    client.once('connect', () => {
      client.destroy();
      resolve(true);
    });
    client.once('error', ({ code }: NodeJS.ErrnoException) => {
      resolve(code !== 'ECONNREFUSED' && code !== 'ENOENT');
    });
  });
}

function read(client: Socket, receive: (packet: string) => void): void {
  let rest: Buffer = Buffer.alloc(0);
  client.on('data', (bytes: Buffer) => {
    rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
    for (let end = endOfPacket(rest); end !== undefined; end = endOfPacket(rest)) {
      receive(rest.toString('utf8', isPrefixed(rest) ? 4 : 0, end));
      rest = rest.subarray(end);
    }
    if (rest.length > MAX_PACKET + 4) client.destroy();
  });
  client.once('end', () => {
    if (rest.length > 0 && !isPrefixed(rest)) receive(rest.toString());
  });
}

/** No text has two zeros there, and no packet is so long that its length has not. */
function isPrefixed(bytes: Buffer): boolean {
  return bytes.length >= 4 && bytes[2] === 0 && bytes[3] === 0;
}

function endOfPacket(bytes: Buffer): number | undefined {
  if (bytes.length < 4) {
    // It may be a length of which the rest is still to come.
    return undefined;
  }
  if (isPrefixed(bytes)) {
    const end = 4 + bytes.readUInt16LE();
    return end <= bytes.length ? end : undefined;
  }
  const newline = bytes.lastIndexOf(NEWLINE);
  return newline < 0 ? undefined : newline + 1;
}
