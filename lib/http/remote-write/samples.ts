import { adoptSeries } from '../../adoption.js';
import { type Point, SAMPLE, type Series } from '../../event.js';
import { END_OF_TIME, MILLISECOND, MIN_TIME } from '../../time.js';
import { fixed64Tag, type ProtobufReader, varintTag } from '../protobuf.js';
import { refuseTooMany } from './limits.js';

export type Labels = readonly (readonly [name: string, value: string])[];

/** The namespace of series without a label `job`. */
const NAMESPACE = 'prometheus';

/** A series of ours: `__name__` its name, the label `job` its namespace, all others its tags. */
export function seriesOfLabels(labels: Labels): Series {
  let [namespace, name] = [NAMESPACE, ''];
  const tags: (readonly [string, string])[] = [];
  for (const label of labels) {
    const [key, value] = label;
    if (value === '') continue;
    if (key === '__name__') name = value;
    else if (key === 'job') namespace = value;
    else tags.push(label);
  }
  return adoptSeries(namespace, name, tags);
}

const END_MILLISECONDS = Number(END_OF_TIME / MILLISECOND);
const MIN_MILLISECONDS = Number(MIN_TIME / MILLISECOND);

/** The samples of a request, and what became of them. */
export class Samples {
  readonly points: Point[] = [];
  /** Infinite values. */
  infinite = 0;
  /** At times that cannot be stored. */
  outOfRange = 0;
  histograms = 0;
  private count = 0;
  private latest = { milliseconds: 0, time: 0n };

  /** How many samples are stored, or say rightly that there is none. */
  get written(): number {
    return this.count - this.infinite - this.outOfRange;
  }

  /** Reads a `Sample`, which has a value and UNIX milliseconds in either version. */
  read(reader: ProtobufReader, series: Series): void {
    refuseTooMany(++this.count);
    let value = 0;
    let milliseconds = 0;
    const end = reader.end();
    while (reader.pos < end) {
      const tag = reader.uint32();
      if (tag === VALUE) value = reader.double();
      else if (tag === TIMESTAMP) milliseconds = Number(reader.int64());
      else reader.pass(tag);
    }
    reader.close(end);
    this.add(series, value, milliseconds);
  }

  /** NaN says that a series has ended (0x7ff0000000000002), or that there is nothing to say. */
  private add(series: Series, value: number, milliseconds: number): void {
    if (!(milliseconds >= MIN_MILLISECONDS && milliseconds < END_MILLISECONDS)) this.outOfRange++;
    else if (Number.isFinite(value)) {
      // Most samples of a request are of one scrape.
      if (milliseconds !== this.latest.milliseconds) {
        this.latest = { milliseconds, time: BigInt(milliseconds) * MILLISECOND };
      }
      this.points.push({ series, time: this.latest.time, value: value === 0 ? 0 : value, identity: SAMPLE });
    } else if (!Number.isNaN(value)) this.infinite++;
  }
}

const [VALUE, TIMESTAMP] = [fixed64Tag(1), varintTag(2)];
