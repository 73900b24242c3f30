import { SingleBar } from 'cli-progress';

/** Milliseconds between two lines where no terminal listens. */
const PAUSE_BETWEEN_LINES = 5_000;

/** Parts of the whole, so that a bar need not know how much there is. */
const PARTS = 1_000_000;

/**
 * Shows how a transfer goes on, on standard error: a bar with rate and time left in a terminal, elsewhere a line every
 * few seconds.
 */
export class Progress {
  private readonly started = performance.now();
  private readonly bar: SingleBar;
  private points = 0;

  /** @param action - what is done, such as `importing` */
  constructor(action: string) {
    const { isTTY } = process.stderr;
    this.bar = new SingleBar({
      format: `${action} ${isTTY ? '{bar} ' : ''}{percentage}%, {points} points, {rate}/s, {eta_formatted} left`,
      stream: process.stderr,
      noTTYOutput: true,
      notTTYSchedule: PAUSE_BETWEEN_LINES,
      // Elsewhere than in a terminal this clears nothing, and saves an empty line.
      clearOnComplete: !isTTY,
      etaBuffer: 100,
      // It would take the signal for itself, and the program would not end.
      gracefulExit: false,
    });
    this.bar.start(PARTS, 0, { points: '0', rate: '0' });
  }

  /**
   * @param points - how many more are done
   * @param fraction - of the whole that is done now, from 0 to 1
   */
  add(points: number, fraction: number): void {
    this.points += points;
    const rate = this.points / Math.max(0.001, (performance.now() - this.started) / 1000);
    this.bar.update(Math.round(PARTS * Math.min(1, Math.max(0, fraction))), {
      points: this.points.toLocaleString('en'),
      rate: Math.round(rate).toLocaleString('en'),
    });
  }

  stop(): void {
    this.bar.stop();
  }
}

/** Says something on standard error, so that standard output is for points alone. */
export function say(sentence: string): void {
  process.stderr.write(`${sentence}\n`);
}
