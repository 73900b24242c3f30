import { adoptText } from '../../adoption.js';
import { MAX_TEXT } from '../../event-rules.js';
import type { Series } from '../../event.js';
import { lengthTag, type ProtobufReader, readMessage, varintTag } from '../protobuf.js';
import { framed, type RecentlyUsed } from '../recently-used.js';
import { LabelCount, MAX_LABELS, MAX_SYMBOLS } from './limits.js';
import { Samples, seriesOfLabels } from './samples.js';

const SYMBOLS = lengthTag(4);
const TIME_SERIES = lengthTag(5);

/**
 * Reads an `io.prometheus.write.v2.Request` (https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/), whose labels
 * are places in a table of texts. Metadata, exemplars and times of creation are passed over.
 * @throws TrackingError `invalid` where it is none, `too-large` where it holds too many samples
 */
export function readVersion2(body: Buffer, known: RecentlyUsed<Series>): Samples {
  return readMessage(body, 'io.prometheus.write.v2.Request', (reader) => {
    const symbols = readSymbols(reader, body.length);
    const samples = new Samples();
    const labels = new LabelCount();
    reader.pos = 0;
    reader.fields((tag) => {
      if (tag === TIME_SERIES) readTimeSeries(reader, symbols, known, samples, labels);
      else reader.pass(tag);
    }, body.length);
    return samples;
  });
}

/** The table is read first, wherever it stands. */
function readSymbols(reader: ProtobufReader, end: number): string[] {
  const symbols: string[] = [];
  reader.fields((tag) => {
    if (tag !== SYMBOLS) {
      reader.pass(tag);
      return;
    }
    if (symbols.length >= MAX_SYMBOLS) throw new RangeError(`the table has more than ${MAX_SYMBOLS} symbols`);
    const text = reader.text();
    // What is cut for being too long is cut once, and not for each label that refers to it.
    symbols.push(text.length > MAX_TEXT ? adoptText(text) : text);
  }, end);
  return symbols;
}

const SAMPLES = lengthTag(2);
const HISTOGRAMS = lengthTag(3);

function readTimeSeries(
  reader: ProtobufReader,
  symbols: readonly string[],
  known: RecentlyUsed<Series>,
  samples: Samples,
  labels: LabelCount,
): void {
  const end = reader.end();
  const start = reader.pos;
  const texts = readLabels(reader, symbols, end);
  labels.add(texts.length / 2);
  let series: Series | undefined;
  reader.pos = start;
  reader.fields((tag) => {
    if (tag === SAMPLES) {
      series ??= known.find(texts.map(framed).join(''), () => seriesOfLabels(inPairs(texts)));
      samples.read(reader, series);
    } else {
      if (tag === HISTOGRAMS) samples.histograms++;
      reader.pass(tag);
    }
  }, end);
}

/** Names and values in turn, wherever they stand. */
function readLabels(reader: ProtobufReader, symbols: readonly string[], end: number): string[] {
  const texts: string[] = [];
  const read = (): void => {
    const text = symbols[reader.uint32()];
    if (text === undefined) throw new RangeError('a label refers to a symbol that is not there');
    if (texts.length >= 2 * MAX_LABELS) throw new RangeError(`a series has more than ${MAX_LABELS} labels`);
    texts.push(text);
  };
  reader.fields((tag) => {
    if (tag === lengthTag(1)) reader.packed(read);
    else if (tag === varintTag(1)) read();
    else reader.pass(tag);
  }, end);
  if (texts.length % 2 !== 0) throw new RangeError('a label has a name and no value');
  return texts;
}

function inPairs(texts: readonly string[]): (readonly [string, string])[] {
  return Array.from({ length: texts.length / 2 }, (_, index) => [texts[2 * index] ?? '', texts[2 * index + 1] ?? '']);
}
