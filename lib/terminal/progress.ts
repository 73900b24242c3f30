import { SingleBar } from 'cli-progress';

/** Milliseconds between two lines where no terminal listens. */
const PAUSE_BETWEEN_LINES = 5_000;

/** Less of the whole says nothing of the time left. */
const MIN_FRACTION = 0.001;

/** Parts of the whole, so that a bar need not know how much there is. */
const PARTS = 1_000_000;

/** What is shown of a transfer; `fraction` is of the whole, from 0 to 1. */
interface Display {
  show(fraction: number, words: { readonly points: string; readonly rate: string }): void;
  stop(): void;
}

/**
 * Shows how a transfer goes on, on standard error: a bar with rate and time left in a terminal, elsewhere a line every
 * few seconds.
 */
export class Progress {
  private readonly started = performance.now();
  private readonly display: Display;
  private points = 0;

  /** @param action - what is done, such as `importing` */
  constructor(action: string) {
    this.display = process.stderr.isTTY ? barOf(action) : linesOf(action, this.started);
  }

  /**
   * @param points - how many more are done
   * @param fraction - of the whole that is done now, from 0 to 1
   */
  add(points: number, fraction: number): void {
    this.points += points;
    const rate = this.points / Math.max(0.001, (performance.now() - this.started) / 1000);
    this.display.show(Math.min(1, Math.max(0, fraction)), {
      points: this.points.toLocaleString('en'),
      rate: Math.round(rate).toLocaleString('en'),
    });
  }

  stop(): void {
    this.display.stop();
  }
}

function barOf(action: string): Display {
  const bar = new SingleBar({
    format: `${action} {bar} {percentage}%, {points} points, {rate}/s, {eta_formatted} left`,
    stream: process.stderr,
    etaBuffer: 100,
    // It would take the signal for itself, and the program would not end.
    gracefulExit: false,
  });
  bar.start(PARTS, 0, { points: '0', rate: '0' });
  return {
    show: (fraction, words) => {
      bar.update(Math.round(PARTS * fraction), words);
    },
    stop: () => {
      bar.stop();
    },
  };
}

/** What takes less than one pause is told by its outcome alone. */
function linesOf(action: string, started: number): Display {
  let told = started;
  return {
    show: (fraction, { points, rate }) => {
      const now = performance.now();
      if (now < told + PAUSE_BETWEEN_LINES) return;
      told = now;
      const left =
        fraction < MIN_FRACTION ? '' : `, ${Math.ceil(((now - started) / 1000) * (1 / fraction - 1))} s left`;
      say(`${action}: ${Math.floor(fraction * 100)} %, ${points} points, ${rate}/s${left}`);
    },
    stop: () => undefined,
  };
}

/** Says something on standard error, so that standard output is for points alone. */
export function say(sentence: string): void {
  process.stderr.write(`${sentence}\n`);
}
