import { matchesPattern } from '../access.js';
import { TrackingError } from '../errors.js';
import { diskTraffic, fileSystems } from './disks.js';
import { elsewhere } from './elsewhere.js';
import type { Figure, Source } from './figure.js';
import { memory } from './memory.js';
import { networks } from './networks.js';
import { processes } from './processes.js';
import { load, processor } from './processor.js';

/** Which figures are taken, by patterns such as `cpu*`. Without `include` all are; `exclude` goes before it. */
export interface Choice {
  readonly include: readonly string[];
  readonly exclude: readonly string[];
}

/** Reads the figures of something; each read gives the rates since the one before. */
export interface FigureReader {
  read(): Promise<Figure[]>;
}

/** Every source of figures that this kind of system has. */
export function hostSources(): readonly Source[] {
  if (process.platform !== 'linux') return [load, memory, ...elsewhere];
  return [processor(), load, memory, fileSystems(), diskTraffic(), networks(), processes];
}

/** The figures of this host. */
export class Host implements FigureReader {
  private readonly underWay = new Set<Source>();
  private readonly last = new Map<Source, number>();
  private readings = 0;

  /** @param failed - told of a source that has none, such as a file of /proc that is not there, and of idle patterns */
  constructor(
    private readonly sources: readonly Source[],
    private readonly choice: Choice,
    private readonly failed: (error: unknown) => void,
  ) {}

  async read(): Promise<Figure[]> {
    const figures = await Promise.all(this.sources.map((source) => this.readFrom(source)));
    const all = figures.flat().filter(({ value }) => Number.isFinite(value));
    // Rates are there from the second reading on.
    if (++this.readings === 2) this.sayWhatMatchesNone(all);
    return all.filter(({ name }) => isChosen(name, this.choice));
  }

  private sayWhatMatchesNone(figures: readonly Figure[]): void {
    for (const pattern of this.choice.include) {
      if (figures.some(({ name }) => matchesPattern(pattern, name))) continue;
      this.failed(
        new TrackingError('not-found', `include has "${pattern}", and this host has no figure of such a name`),
      );
    }
  }

  /** A source that hangs, as a dying disk does, holds up the others for a second, and later ones not at all. */
  private async readFrom(source: Source): Promise<Figure[]> {
    if (this.underWay.has(source)) return [];
    this.underWay.add(source);
    const now = performance.now();
    const last = this.last.get(source);
    this.last.set(source, now);
    const reading = source(last === undefined ? undefined : (now - last) / 1000)
      .catch((error: unknown) => {
        this.failed(error);
        return [];
      })
      .finally(() => this.underWay.delete(source));
    return within(PATIENCE, reading);
  }
}

const PATIENCE = 1000; // ms

async function within(milliseconds: number, reading: Promise<Figure[]>): Promise<Figure[]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Figure[]>((resolve) => {
    timer = setTimeout(resolve, milliseconds, []);
  });
  try {
    return await Promise.race([reading, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Whether a figure of this name is taken. */
export function isChosen(name: string, { include, exclude }: Choice): boolean {
  const matches = (pattern: string): boolean => matchesPattern(pattern, name);
  return (include.length === 0 || include.some(matches)) && !exclude.some(matches);
}
