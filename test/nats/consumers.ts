import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { Selection } from '../../lib/aggregation.js';
import { TrackingError } from '../../lib/errors.js';
import type { Point } from '../../lib/event.js';
import type { QueueConsumer } from '../../lib/queue.js';
import type { Delivery, Refusal } from '../../lib/store.js';

/** What outlives a process: the points, each in its place, and what a store keeps with them. */
export class Database {
  readonly places = new Map<string, Point>();
  readonly sequences = new Map<string, number>();

  get values(): number[] {
    return [...this.places.values()].map(({ value }) => value);
  }

  /** The values in order of size, so that what is missing or doubled can be seen. */
  get sorted(): number[] {
    return this.values.sort((one, other) => one - other);
  }

  /** Expects the values 0, 1, 2 …, so many, each of them once, and nothing else. */
  expectFirst(count: number, message?: string): void {
    expect(this.sorted, message).to.deep.equal(Array.from({ length: count }, (_, index) => index));
  }
}

/** Where in a write a process may die. */
export const STEPS = ['before the plan', 'after the plan', 'in mid-write', 'after the write'] as const;
export type Step = (typeof STEPS)[number];

/** Called at each step; what it throws, or that it never resolves, is what befalls the writer there. */
export type Fate = (step: Step) => Promise<void>;

export interface ConsumerOptions {
  readonly fate?: Fate;
  /** Why a point is refused, or nothing. */
  readonly refuse?: (point: Point) => string | undefined;
}

/** A store that is away so many times when it comes to a step. */
export function awayAt(step: Step, times: number): { readonly fate: Fate; readonly isBack: () => boolean } {
  let left = times;
  const fate = (reached: Step): Promise<void> =>
    reached === step && left-- > 0 ? Promise.reject(new TrackingError('unavailable', 'away')) : Promise.resolve();
  return { fate, isBack: () => left < 0 };
}

let places = 0;

/** As InfluxDB: it records where each point goes, and then puts it there, one by one. Points without identity all differ. */
export function recordingConsumer(database: Database, { fate, refuse }: ConsumerOptions = {}): QueueConsumer {
  return {
    write: async (points: readonly Point[], delivery: Delivery): Promise<Refusal[]> => {
      await fate?.('before the plan');
      const plan = delivery.recorded ?? Buffer.from(JSON.stringify(points.map((point) => placeOf(point))));
      if (delivery.recorded === undefined) await delivery.record(plan);
      await fate?.('after the plan');
      const planned = JSON.parse(Buffer.from(plan).toString()) as string[];
      if (planned.length !== points.length) throw new Error('the plan is of another delivery');
      const refusals: Refusal[] = [];
      for (const [index, point] of points.entries()) {
        if (index === Math.floor(points.length / 2)) await fate?.('in mid-write');
        const reason = refuse?.(point);
        if (reason === undefined) database.places.set(planned[index] ?? '', point);
        else refusals.push({ index, reason });
      }
      await fate?.('after the write');
      return refusals;
    },
    delete: (selection) => Promise.resolve(remove(database, selection)),
  };
}

/** As DuckDB: all points of a delivery and its sequence, or none. */
export function keepingConsumer(database: Database, { fate }: ConsumerOptions = {}): QueueConsumer {
  return {
    write: async (points: readonly Point[], { partition, sequence }: Delivery): Promise<[]> => {
      await fate?.('before the plan');
      await fate?.('after the plan');
      await fate?.('in mid-write');
      if ((database.sequences.get(partition) ?? 0) < sequence) {
        database.sequences.set(partition, sequence);
        for (const point of points) database.places.set(placeOf(point), point);
      }
      await fate?.('after the write');
      return [];
    },
    delete: (selection) => Promise.resolve(remove(database, selection)),
  };
}

function placeOf({ series, time, identity }: Point): string {
  if (identity.kind === 'none') return `itself ${String(++places)}`;
  return `${series.key} ${String(time)} ${identity.kind === 'id' ? String(identity.fingerprint) : 'sample'}`;
}

function remove({ places: all }: Database, { namespace, name }: Selection): number {
  let removed = 0;
  for (const [place, { series }] of all) {
    if (series.namespace === namespace && series.name === name && all.delete(place)) removed++;
  }
  return removed;
}

/** Resolves once it is so; mocha's limit ends what never is. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await sleep(20);
}
