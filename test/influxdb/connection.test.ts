import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { expect } from 'chai';
import { Sender } from '../../lib/influxdb/sender.js';

const LINES = ['a value=1 1', 'b value=2 2'];
const STORED = 'HTTP/1.1 204 No Content\r\n\r\n';

/** What a connection does once a whole request has come in. */
type Behaviour = (socket: Socket) => void;

describe('A connection to InfluxDB that fails', () => {
  const sockets: Socket[] = [];
  const bodies: string[] = [];
  let server: Server | undefined;
  let sender: Sender | undefined;

  /** Each connection behaves in its own way; all after the last one as it does. */
  async function behaving(...behaviours: readonly Behaviour[]): Promise<Sender> {
    server = createServer((socket) => {
      const behave = behaviours[Math.min(sockets.length, behaviours.length - 1)];
      sockets.push(socket);
      let request = '';
      socket.on('error', () => undefined);
      socket.on('data', (chunk) => {
        request += chunk.toString();
        const [head = '', body = ''] = request.split('\r\n\r\n');
        if (body.length < Number(/content-length: (\d+)/i.exec(head)?.[1] ?? Infinity)) return;
        request = '';
        bodies.push(body);
        behave?.(socket);
      });
    });
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
    const pause = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    sender = new Sender({ url, token: 't', org: 'o', bucket: 'b', timeout: 200, pause });
    return sender;
  }

  async function expectRepeated(to: Sender, times: number): Promise<void> {
    expect(await to.send(LINES)).to.deep.equal([]);
    expect(bodies).to.deep.equal(Array.from({ length: times }, () => LINES.join('\n')));
  }

  afterEach(async () => {
    sender?.close();
    for (const socket of sockets.splice(0)) socket.destroy();
    bodies.length = 0;
    await new Promise<unknown>((resolve) => server?.close(resolve));
  });

  const answer: Behaviour = (socket) => socket.write(STORED);

  it('is given up when it takes everything and answers nothing', async () => {
    await expectRepeated(await behaving(() => undefined, answer), 2);
  });

  it('is replaced when it is reset before the answer, or in the middle of it', async () => {
    const cut: Behaviour = (socket) => {
      socket.write('HTTP/1.1 500 Internal Server Error\r\ncontent-length: 100\r\n\r\n{"message":', () => {
        socket.resetAndDestroy();
      });
    };
    const headless: Behaviour = (socket) => {
      socket.write('HTTP/1.1 20', () => socket.destroy());
    };
    await expectRepeated(await behaving((socket) => socket.resetAndDestroy(), cut, headless, answer), 4);
  });

  it('is closed in silence after an answer, and a new one is made', async () => {
    const to = await behaving((socket) => {
      socket.write(STORED, () => {
        setTimeout(() => socket.destroy(), 5);
      });
    }, answer);
    await to.send(LINES);
    await new Promise((resolve) => sockets[0]?.once('close', resolve));
    await to.send(LINES);
    expect(bodies).to.have.length(2);
  });

  it('may answer in pieces', async () => {
    const pieces: Behaviour = (socket) => {
      const write = (from: number): void => {
        if (from >= STORED.length) return;
        socket.write(STORED.slice(from, from + 7));
        setTimeout(write, 5, from + 7);
      };
      write(0);
    };
    await expectRepeated(await behaving(pieces), 1);
  });

  it('is given up when its answer trickles on for ever', async () => {
    const trickle: Behaviour = (socket) => {
      socket.write('HTTP/1.1 500 Internal Server Error\r\n\r\n');
      const timer = setInterval(() => socket.write(' '), 20);
      socket.on('close', () => {
        clearInterval(timer);
      });
    };
    await expectRepeated(await behaving(trickle, answer), 2);
  });

  it('is half open: the other end is gone and says nothing', async () => {
    const to = await behaving((socket) => {
      socket.write(STORED);
      socket.pause();
    }, answer);
    await to.send(LINES);
    await to.send(LINES);
    expect([sockets.length, bodies.length]).to.deep.equal([2, 2]);
  });
});
