/** Lets a set number of tasks run at once; the others wait in line. */
export class Gate {
  private readonly line: (() => void)[] = [];

  constructor(private free: number) {}

  /** Resolves once there is a place; who got one calls `leave`. */
  async enter(): Promise<void> {
    if (this.free > 0) {
      this.free--;
      return;
    }
    await new Promise<void>((resolve) => this.line.push(resolve));
  }

  leave(): void {
    const next = this.line.shift();
    if (next) next();
    else this.free++;
  }
}
