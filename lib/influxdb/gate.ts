/** Fewer places while other work would suffer. */
export interface Restraint {
  readonly places: number;
  readonly applies: () => boolean;
  /** Milliseconds in line after which a task takes one of all the places nonetheless. */
  readonly patience: number;
}

/** Lets a few tasks run at once; the others wait in line. */
export class Gate {
  private readonly line: { readonly enter: () => void; readonly since: number }[] = [];
  private running = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly places: number,
    private readonly restraint?: Restraint,
  ) {}

  /** Resolves once there is a place; who got one calls `leave`. */
  enter(): Promise<void> {
    return new Promise<void>((enter) => {
      this.line.push({ enter, since: performance.now() });
      this.admit();
    });
  }

  leave(): void {
    this.running--;
    this.admit();
  }

  private admit(): void {
    clearTimeout(this.timer);
    for (let first = this.line[0]; first && this.running < this.places; first = this.line[0]) {
      const wait = this.stillToWait(first.since);
      if (wait > 0) {
        this.timer = setTimeout(() => {
          this.admit();
        }, wait);
        return;
      }
      this.line.shift();
      this.running++;
      first.enter();
    }
  }

  private stillToWait(since: number): number {
    const { restraint } = this;
    if (!restraint || this.running < restraint.places || !restraint.applies()) return 0;
    return since + restraint.patience - performance.now();
  }
}
