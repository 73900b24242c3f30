import { connect, createServer, type Server, type Socket } from 'node:net';
import { Transform } from 'node:stream';

/** A wire to a server that can be cut: for whoever is at its other end, we are as good as dead. */
export class Wire {
  private readonly sockets = new Set<Socket>();
  private whole = true;

  private constructor(
    private readonly server: Server,
    readonly url: string,
    private readonly delay: number,
  ) {}

  /** @param delay - milliseconds that everything takes in either direction */
  static async to(target: string, delay = 0): Promise<Wire> {
    const { hostname, port } = new URL(target);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (typeof address !== 'object' || address === null) throw new Error('The system gave no port.');
    const wire = new Wire(server, `nats://127.0.0.1:${String(address.port)}`, delay);
    server.on('connection', (near: Socket) => {
      wire.join(near, () => connect(Number(port), hostname));
    });
    return wire;
  }

  cut(): void {
    this.whole = false;
    for (const socket of this.sockets) socket.destroy();
  }

  mend(): void {
    this.whole = true;
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private join(near: Socket, reach: () => Socket): void {
    if (!this.whole) {
      near.destroy();
      return;
    }
    const far = reach();
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.sockets.add(one);
      one.pipe(late(this.delay)).pipe(other);
      one.on('error', () => undefined);
      one.once('close', () => {
        this.sockets.delete(one);
        other.destroy();
      });
    }
  }
}

function late(delay: number): Transform {
  return new Transform({
    highWaterMark: 1 << 20,
    transform(chunk, _, done) {
      if (delay === 0) this.push(chunk);
      else setTimeout(() => this.push(chunk), delay);
      done();
    },
  });
}
