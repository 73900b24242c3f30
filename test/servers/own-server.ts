import type { ServerProcess } from './process.js';

/** A server of the tests' own, which can be killed and started again on the same ports and data. */
export abstract class OwnServer {
  protected constructor(
    private readonly launch: () => ServerProcess,
    private process = launch(),
  ) {}

  /** Resolves where it answers as it should. */
  protected abstract probe(): Promise<void>;

  get pid(): number | undefined {
    return this.process.pid;
  }

  get running(): boolean {
    return this.process.running;
  }

  /** @throws Error with the end of its log where it ends instead */
  ready(): Promise<void> {
    return this.process.ready(() => this.probe());
  }

  /** Kills it with SIGKILL, as a crash would. */
  async kill(): Promise<void> {
    await this.process.signal('SIGKILL');
  }

  /**
   * Stops it as an operator would.
   * @returns its exit code, null where a signal ended it
   */
  async stop(): Promise<number | null> {
    await this.process.signal('SIGTERM');
    return this.process.exitCode;
  }

  /** Resolves when it has ended by itself. */
  get ended(): Promise<void> {
    return this.process.ended;
  }

  /** Starts it again after its end, and does not wait until it answers. */
  launchAgain(): void {
    this.process = this.launch();
  }

  /** Stops it where it still runs, and starts it again. */
  async restart(): Promise<void> {
    await this.stop();
    this.launchAgain();
    await this.ready();
  }
}
