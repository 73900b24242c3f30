import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { atEnd } from './lifetime.js';

/**
 * Ends the server as soon as the pipe from the test process closes, which even kill -9 of that process does.
 * `exec` keeps the process id, so that signals reach the server itself.
 */
const GUARD = '{ read -r _ <&3; kill -KILL $$; } & exec "$@" 3<&-';

/** A server running beside the tests. It keeps no test run from ending, and ends with it however that ends. */
export class ServerProcess {
  /** Resolves when it has ended, in whatever way. */
  readonly ended: Promise<void>;

  private constructor(
    private readonly child: ChildProcess,
    private readonly logFile: string,
  ) {
    const guard = child.stdio[3];
    if (guard instanceof Socket) guard.unref();
    child.unref();
    this.ended = new Promise((resolve) => {
      child.once('exit', () => {
        guard?.destroy();
        resolve();
      });
      child.once('error', () => {
        resolve();
      });
    });
    atEnd(() => child.kill('SIGKILL'));
  }

  /** @param logFile - what the server prints is added to it */
  static spawn(program: string, args: readonly string[], logFile: string): ServerProcess {
    const log = openSync(logFile, 'a');
    const child = spawn('/bin/sh', ['-c', GUARD, 'sh', program, ...args], { stdio: ['ignore', log, log, 'pipe'] });
    closeSync(log);
    return new ServerProcess(child, logFile);
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null && this.child.pid !== undefined;
  }

  /** Null while it runs, and where a signal ended it. */
  get exitCode(): number | null {
    return this.child.exitCode;
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  /**
   * Resolves once `probe` does.
   * @throws Error with the end of the log where the server ended, or was not ready within a minute
   */
  async ready(probe: () => Promise<void>): Promise<void> {
    for (const deadline = Date.now() + 60_000; this.running && Date.now() < deadline;) {
      try {
        await probe();
        return;
      } catch {
        await sleep(25);
      }
    }
    const state = this.running ? 'was not ready within a minute' : 'ended at once';
    await this.signal('SIGKILL');
    const log = readFileSync(this.logFile, 'utf8').split('\n').slice(-20).join('\n');
    throw new Error(`The server ${this.child.spawnargs.slice(4).join(' ')} ${state}:\n${log}`);
  }

  /** Sends the signal and resolves once the server has ended. */
  async signal(signal: NodeJS.Signals): Promise<void> {
    if (!this.running) return;
    this.child.kill(signal);
    // Awaited, it may keep the process alive.
    this.child.ref();
    await this.ended;
  }
}

/** A port of the loopback address that is free now. */
export async function freePort(): Promise<number> {
  const [port = 0] = await freePorts(1);
  return port;
}

/** Ports of the loopback address that are free now, no two the same. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, listening));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
  return ports;
}

function listening(): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      resolve(server);
    });
  });
}
