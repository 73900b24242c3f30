import { readSettings } from '../config.js';
import { TrackingError } from '../errors.js';
import type { Point } from '../event.js';
import { modeOfOwnFile } from '../files/privacy.js';
import { writeWhole } from '../files/whole-file.js';
import { Progress, say } from '../terminal/progress.js';
import type { PointsFilter, Source } from '../transfer.js';
import { archiveOf, type ArchiveOptions } from './archives.js';
import { interruption, openServiceStore, untilInterrupted, withStore } from './store.js';

/** Writes points to a file, or to standard output. */
export async function exportPoints(
  file: string | undefined,
  filter: PointsFilter,
  options: ArchiveOptions,
): Promise<void> {
  const signal = interruption();
  const archive = await archiveOf(file, options);
  await withStore(openServiceStore(readSettings()), async (store) => {
    const watched = await watch(store, filter, 'exporting');
    const points = untilInterrupted(watched.points, signal);
    try {
      if (file === undefined) await toStandardOutput((output) => archive.write(points, output));
      else await writeWhole(file, modeOfOwnFile(), (output) => archive.write(points, output));
    } finally {
      watched.stop();
    }
    say(`${watched.count().toLocaleString('en')} points were exported${file === undefined ? '' : ` to ${file}`}.`);
  });
}

export interface Watched {
  readonly points: AsyncIterable<readonly Point[]>;
  count(): number;
  stop(): void;
}

/** The points of a source, with their progress shown. How far they are is known by their time. */
export async function watch(source: Source, filter: PointsFilter, action: string): Promise<Watched> {
  const extent = await source.extent(filter);
  const progress = new Progress(action);
  let [count, fraction] = [0, 0];
  return {
    points: follow(source.points(filter), (points) => {
      count += points.length;
      const last = points.at(-1);
      if (last === undefined || extent === undefined) return;
      // InfluxDB gives series after series within a slice of time.
      fraction = Math.max(fraction, Number(last.time - extent.first) / Number(extent.last - extent.first + 1n));
      progress.add(points.length, fraction);
    }),
    count: () => count,
    stop: () => {
      progress.stop();
    },
  };
}

async function* follow(
  source: AsyncIterable<readonly Point[]>,
  see: (points: readonly Point[]) => void,
): AsyncGenerator<readonly Point[]> {
  for await (const points of source) {
    see(points);
    yield points;
  }
}

/** Whoever reads may stop early, as `head` does. */
async function toStandardOutput(write: (output: NodeJS.WritableStream) => Promise<void>): Promise<void> {
  try {
    await write(process.stdout);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EPIPE') {
      throw new TrackingError('unavailable', 'Whoever reads the points has stopped before the end.', { cause: error });
    }
    throw error;
  }
}
