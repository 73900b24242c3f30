import { once } from 'node:events';
import { connect } from 'node:net';

/** Sends bytes as they are, and gives all that comes back until the server closes the connection. */
export async function raw({ url }: { readonly url: string }, request: string | Uint8Array): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  let answer = '';
  socket.setEncoding('latin1').on('data', (text: string) => (answer += text));
  // The other side may close while we still write.
  socket.on('error', () => undefined);
  socket.write(typeof request === 'string' ? Buffer.from(request, 'latin1') : request);
  await once(socket, 'close');
  return answer;
}
