import type { Application, Registry } from '../registry.js';
import type { Clock } from './clock.js';

/** Other instances change the registry too: what they removed must be gone here within 10 seconds. */
const MAX_AGE = 5_000; // ms
const REFRESH_AGE = 2_500; // ms

/** All applications as the registry had them at most five seconds ago, and the bootstrap one. */
export class LiveApplications {
  private byId: ReadonlyMap<string, Application> = new Map();
  private readAt = -Infinity;
  private reading: Promise<void> | undefined;

  constructor(
    private readonly registry: Registry,
    private readonly bootstrap: Application | undefined,
    private readonly clock: Clock,
  ) {}

  /**
   * Sees to it that the list is recent enough: at once where it is (it is then read again beside the work), else with a
   * promise.
   * @throws TrackingError `unavailable` where it is not and the registry cannot be read
   */
  refresh(): void | Promise<void> {
    // The clock may be set back: then the age is negative, and nothing is known about it.
    const age = Math.abs(this.clock() - this.readAt);
    if (age < REFRESH_AGE) return;
    if (age > MAX_AGE) return this.read();
    // Where it fails, whoever comes when the list is too old is told.
    if (this.reading === undefined) this.read().catch(() => undefined);
  }

  /** To be called after a change of ours. */
  async changed(): Promise<void> {
    // What is being read may be older than the change.
    await this.reading?.catch(() => undefined);
    await this.read();
  }

  find(id: string): Application | undefined {
    return this.byId.get(id);
  }

  list(): Application[] {
    return [...this.byId.values()];
  }

  private read(): Promise<void> {
    this.reading ??= this.readRegistry().finally(() => {
      this.reading = undefined;
    });
    return this.reading;
  }

  private async readRegistry(): Promise<void> {
    const startedAt = this.clock();
    const applications = await this.registry.applications();
    // The bootstrap application comes last: settings win over a registered one of the same id.
    const all = this.bootstrap === undefined ? applications : [...applications, this.bootstrap];
    this.byId = new Map(all.map((application) => [application.id, application]));
    this.readAt = startedAt;
  }
}
