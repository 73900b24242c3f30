import type { Series } from '../../event.js';
import { lengthTag, type ProtobufReader, readMessage } from '../protobuf.js';
import { type RecentlyUsed, wordsOfBytes } from '../recently-used.js';
import { MAX_LABELS } from './limits.js';
import { type Labels, Samples, seriesOfLabels } from './samples.js';

/**
 * Reads a `prometheus.WriteRequest` (https://prometheus.io/docs/specs/prw/remote_write_spec/). Metadata and exemplars are
 * passed over.
 * @throws TrackingError `invalid` where it is none, `too-large` where it holds too many samples
 */
export function readVersion1(body: Buffer, known: RecentlyUsed<Series>): Samples {
  return readMessage(body, 'prometheus.WriteRequest', (reader) => {
    const samples = new Samples();
    reader.fields((tag) => {
      if (tag === TIME_SERIES) readTimeSeries(reader, body, known, samples);
      else if (NEWER.has(tag)) throw new RangeError('it is of version 2.0, and Content-Type does not say so');
      else reader.pass(tag);
    }, body.length);
    return samples;
  });
}

const TIME_SERIES = lengthTag(1);
/** The symbols and series of version 2.0, which would be passed over, and all be lost. */
const NEWER = new Set([lengthTag(4), lengthTag(5)]);
const LABELS = lengthTag(1);
const SAMPLES = lengthTag(2);
const HISTOGRAMS = lengthTag(4);

function readTimeSeries(reader: ProtobufReader, body: Buffer, known: RecentlyUsed<Series>, samples: Samples): void {
  const end = reader.end();
  const start = reader.pos;
  const labelsEnd = endOfLabels(reader, end);
  if (labelsEnd === end) return;
  // The very bytes are the key: they are read only where they were not seen lately.
  const series = known.find(wordsOfBytes(body, start, labelsEnd), () => {
    reader.pos = start;
    return seriesOfLabels(readLabels(reader, labelsEnd));
  });
  reader.pos = labelsEnd;
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === SAMPLES) samples.read(reader, series);
    else if (tag === LABELS) throw new RangeError('labels stand behind samples');
    else {
      if (tag === HISTOGRAMS) samples.histograms++;
      reader.pass(tag);
    }
  }
  reader.close(end);
}

/** Labels stand before everything else. */
function endOfLabels(reader: ProtobufReader, end: number): number {
  let labelsEnd = reader.pos;
  while (reader.pos < end && reader.uint32() === LABELS) {
    labelsEnd = reader.pos = reader.end();
    if (labelsEnd > end) throw new RangeError('a field goes on beyond its message');
  }
  return labelsEnd;
}

function readLabels(reader: ProtobufReader, end: number): Labels {
  const labels: (readonly [string, string])[] = [];
  reader.fields((tag) => {
    if (tag !== LABELS) throw new RangeError('a label is broken');
    if (labels.length >= MAX_LABELS) throw new RangeError(`a series has more than ${MAX_LABELS} labels`);
    labels.push(readLabel(reader));
  }, end);
  return labels;
}

function readLabel(reader: ProtobufReader): readonly [string, string] {
  let [name, value] = ['', ''];
  reader.fields((tag) => {
    if (tag === lengthTag(1)) name = reader.boundedText();
    else if (tag === lengthTag(2)) value = reader.boundedText();
    else reader.pass(tag);
  });
  return [name, value];
}
