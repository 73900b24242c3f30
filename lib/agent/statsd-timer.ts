/** Above so many of one interval the percentiles are of a random choice of them; all else stays exact. */
const MAX_KEPT = 10_000;
/** So many may be kept of every timer, however many timers there are. */
const LEAST_KEPT = 100;

/** How many values the timers of an interval may keep together, beyond the first of each. */
export class TimerRoom {
  private left = 1_000_000;

  /** @returns whether there was room for one more */
  take(): boolean {
    return this.left-- > 0;
  }
}

/** The values of one timer within an interval. */
export class TimerValues {
  private readonly kept: number[] = [];
  private received = 0;
  private count = 0;
  private sum = 0;
  private lower = Infinity;
  private upper = -Infinity;

  constructor(private readonly room: TimerRoom) {}

  /** @param rate - one that was sent stands for 1 / rate that happened */
  add(value: number, rate: number): void {
    this.received++;
    this.count += 1 / rate;
    this.sum += value / rate;
    this.lower = Math.min(this.lower, value);
    this.upper = Math.max(this.upper, value);
    if (this.mayKeep()) this.kept.push(value);
    else this.replace(value);
  }

  private mayKeep(): boolean {
    const { length } = this.kept;
    return length < LEAST_KEPT || (length < MAX_KEPT && this.room.take());
  }

  /** Reservoir sampling: each value stays with the same probability. */
  private replace(value: number): void {
    const place = Math.floor(Math.random() * this.received);
    if (place < this.kept.length) this.kept[place] = value;
  }

  /** @param percentiles - such as 90 for `p90` */
  summary(percentiles: readonly number[]): (readonly [suffix: string, value: number])[] {
    const sorted = this.kept.sort((one, other) => one - other);
    return [
      ['count', this.count],
      ['sum', this.sum],
      ['mean', this.sum / this.count],
      ['lower', this.lower],
      ['upper', this.upper],
      ['median', medianOf(sorted)],
      ...percentiles.map((percent) => [`p${percent}`, upperOf(sorted, percent)] as const),
    ];
  }
}

function medianOf(sorted: readonly number[]): number {
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] ?? 0;
  return Number.isInteger(middle) ? ((sorted[middle - 1] ?? 0) + upper) / 2 : upper;
}

/** The greatest of the lowest so many percent, as StatsD has it (`upper_90`). */
function upperOf(sorted: readonly number[], percent: number): number {
  return sorted[Math.max(1, Math.round((percent / 100) * sorted.length)) - 1] ?? 0;
}
