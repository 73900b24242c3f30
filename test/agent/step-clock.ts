import type { Clock } from '../../lib/agent/clock.js';

/**
 * A clock whose time passes as fast as those who sleep are done with what they woke for: it steps from one sleeper's time
 * to the next. It never steps further than an interval, so that whoever wakes once an interval misses none.
 */
export class StepClock implements Clock {
  private readonly sleepers = new Set<{ readonly due: number; readonly wake: () => void }>();
  private scheduled = false;

  /** @param time - to begin with; milliseconds since 1970, as all here */
  constructor(
    private time: number,
    private readonly interval: number,
  ) {}

  now(): number {
    return this.time;
  }

  sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const sleeper = {
        due: this.time + Math.max(0, milliseconds),
        wake: () => {
          this.sleepers.delete(sleeper);
          signal.removeEventListener('abort', sleeper.wake);
          resolve();
        },
      };
      signal.addEventListener('abort', sleeper.wake);
      this.sleepers.add(sleeper);
      this.schedule();
    });
  }

  private schedule(): void {
    if (this.scheduled || this.sleepers.size === 0) return;
    this.scheduled = true;
    setTimeout(() => {
      this.scheduled = false;
      const [next] = [...this.sleepers].sort((one, other) => one.due - other.due);
      if (next !== undefined && next.due - this.time <= this.interval) {
        this.time = Math.max(this.time, next.due);
        next.wake();
      }
      this.schedule();
    }, 1);
  }
}
