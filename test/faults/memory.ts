import { readFileSync } from 'node:fs';

/** Milliseconds between two looks. */
const PAUSE = 100;

/** Watches how much memory a process has resident, in MiB. */
export class Memory {
  private greatest = 0;
  private readonly watch: NodeJS.Timeout;

  constructor(private readonly process: { readonly pid: number | undefined }) {
    this.greatest = residentOf(process.pid);
    this.watch = setInterval(() => {
      this.greatest = Math.max(this.greatest, residentOf(this.process.pid));
    }, PAUSE);
  }

  /** @returns the most that there was */
  stop(): number {
    clearInterval(this.watch);
    return this.greatest;
  }
}

/** Resident memory now, in MiB; 0 for a process that is no more. */
export function residentOf(pid: number | undefined): number {
  try {
    const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${String(pid)}/status`, 'utf8'))?.[1];
    return Number(kilobytes ?? 0) / 1024;
  } catch {
    return 0;
  }
}
