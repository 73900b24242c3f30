import { readFile } from 'node:fs/promises';
import { loadavg, uptime } from 'node:os';
import { type Figure, percent, type Source } from './figure.js';

/** The columns of /proc/stat (proc(5)); `user` and `nice` hold those of guests as well. */
const STATES = ['User', 'Nice', 'System', 'Idle', 'IoWait', 'Irq', 'SoftIrq', 'Steal'] as const;
const IDLE = 3;
const IO_WAIT = 4;

/**
 * What the processors did since the last time, from /proc/stat. `currentLoad` of systeminformation starts a shell for the
 * same file, leaves out waiting for disks and soft interrupts, and counts guests twice.
 */
export function processor(file = '/proc/stat'): Source {
  let last: readonly number[] | undefined;
  return async () => {
    const ticks = ticksIn(await readFile(file, 'latin1'));
    const spent = last === undefined ? [] : ticks.map((count, index) => Math.max(0, count - (last?.[index] ?? 0)));
    last = ticks;
    return sharesOf(spent);
  };
}

/** Clock ticks by state, of all processors together. */
export function ticksIn(stat: string): number[] {
  const [, ...columns] = (stat.split('\n', 1)[0] ?? '').trim().split(/\s+/);
  return STATES.map((_, index) => Number(columns[index] ?? 0));
}

/** @param spent - ticks by state */
export function sharesOf(spent: readonly number[]): Figure[] {
  const all = spent.reduce((sum, ticks) => sum + ticks, 0);
  if (all === 0) return [];
  const idle = (spent[IDLE] ?? 0) + (spent[IO_WAIT] ?? 0);
  return [
    { name: 'cpuUtilization', value: percent(all - idle, all) },
    ...STATES.map((state, index) => ({ name: `cpu${state}`, value: percent(spent[index] ?? 0, all) })),
  ];
}

/** Load averages and how long the host has been up. */
export const load: Source = () => {
  const [one = 0, five = 0, fifteen = 0] = loadavg();
  return Promise.resolve([
    { name: 'loadAverage1', value: one },
    { name: 'loadAverage5', value: five },
    { name: 'loadAverage15', value: fifteen },
    { name: 'uptime', value: Math.floor(uptime()) },
  ]);
};
