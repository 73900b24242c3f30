import path from 'node:path';
import { temporaryFolder } from './lifetime.js';
import { freePort, ServerProcess } from './process.js';
import { getToxiproxy } from './toxiproxy-server.js';

/**
 * What a proxy does to the bytes that pass, and its settings: `latency` (`latency` in milliseconds), `reset_peer`
 * (`timeout`), `timeout` (`timeout`; 0: no byte passes any more, and no connection closes), `slow_close` (`delay`),
 * `limit_data` (`bytes`).
 */
export interface Toxic {
  readonly type: 'latency' | 'reset_peer' | 'timeout' | 'slow_close' | 'limit_data';
  readonly attributes: Readonly<Record<string, number>>;
  /** `upstream`: what the client sends; `downstream`: what the server answers. */
  readonly stream: 'upstream' | 'downstream';
}

/** A proxy in front of one server, which makes the way there as bad as it is told to. */
export class Toxiproxy {
  private serial = 0;

  private constructor(
    /** Where it stands in for the server. */
    readonly url: string,
    private readonly control: string,
    private readonly process: ServerProcess,
  ) {}

  /** @param target - the server's address, such as `http://127.0.0.1:8086` */
  static async start(target: string): Promise<Toxiproxy> {
    const program = await getToxiproxy();
    const [port, controlPort] = [await freePort(), await freePort()];
    const logFile = path.join(temporaryFolder('toxiproxy'), 'toxiproxy.log');
    const process = ServerProcess.spawn(program, ['-host', '127.0.0.1', '-port', String(controlPort)], logFile);
    const control = `http://127.0.0.1:${controlPort}`;
    await process.ready(async () => {
      await call(control, 'GET', '/version');
    });
    const { protocol, host } = new URL(target);
    await call(control, 'POST', '/proxies', { name: 'proxy', listen: `127.0.0.1:${port}`, upstream: host });
    return new Toxiproxy(`${protocol}//127.0.0.1:${port}`, control, process);
  }

  /** @returns what takes it away again */
  async add({ type, attributes, stream }: Toxic): Promise<() => Promise<void>> {
    const name = `toxic-${this.serial++}`;
    await call(this.control, 'POST', '/proxies/proxy/toxics', { name, type, attributes, stream });
    return () => call(this.control, 'DELETE', `/proxies/proxy/toxics/${name}`);
  }

  stop(): Promise<void> {
    return this.process.signal('SIGTERM');
  }
}

async function call(control: string, method: string, target: string, body?: object): Promise<void> {
  const response = await fetch(control + target, {
    method,
    // It refuses what looks like a browser.
    headers: { 'User-Agent': 'tests' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`Toxiproxy answered ${response.status} to ${method} ${target}: ${text}`);
}
