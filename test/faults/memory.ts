import { readFileSync, writeFileSync } from 'node:fs';

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
  return mebibytesIn('VmRSS', pid);
}

/** The most that a process had resident since the start, or since `forgetPeak`, in MiB. */
export function peakOf(pid: number | undefined): number {
  return mebibytesIn('VmHWM', pid);
}

export function forgetPeak(pid: number | undefined): void {
  writeFileSync(`/proc/${String(pid)}/clear_refs`, '5');
}

function mebibytesIn(line: 'VmRSS' | 'VmHWM', pid: number | undefined): number {
  try {
    const status = readFileSync(`/proc/${String(pid)}/status`, 'utf8');
    return Number(new RegExp(`^${line}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}
