import type { Series } from '../../event.js';
import { lengthTag, type ProtobufReader, readMessage, varintTag } from '../protobuf.js';
import { framed, type RecentlyUsed } from '../recently-used.js';
import { LabelCount, MAX_LABELS, MAX_SYMBOLS } from './limits.js';
import { Samples, seriesOfLabels } from './samples.js';

const SYMBOLS = lengthTag(4);
const TIME_SERIES = lengthTag(5);
/** The series of version 1.0, which would be passed over, and all be lost. */
const OLDER = lengthTag(1);

/**
 * Reads an `io.prometheus.write.v2.Request` (https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/), whose labels
 * are places in a table of texts. Metadata, exemplars and times of creation are passed over.
 * @throws TrackingError `invalid` where it is none, `too-large` where it holds too many samples
 */
export function readVersion2(body: Buffer, known: RecentlyUsed<Series>): Samples {
  return readMessage(body, 'io.prometheus.write.v2.Request', (reader) => {
    const symbols = readSymbols(reader, body.length);
    const samples = new Samples();
    const series = new TimeSeriesReader(reader, symbols, known, samples);
    reader.pos = 0;
    reader.fields((tag) => {
      if (tag === TIME_SERIES) series.read();
      else if (tag === OLDER) throw new RangeError('it is of version 1.0, and Content-Type says 2.0');
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
    symbols.push(reader.boundedText());
  }, end);
  return symbols;
}

const [PACKED_LABELS, LABEL] = [lengthTag(1), varintTag(1)];
const SAMPLES = lengthTag(2);
const HISTOGRAMS = lengthTag(3);

/** Reads the series of a request one by one. Of empty ones there may be four million, so nothing is made for each. */
class TimeSeriesReader {
  private readonly labels = new LabelCount();
  /** Names and values of the labels of the series at hand, in turn. */
  private readonly texts: string[] = [];

  constructor(
    private readonly reader: ProtobufReader,
    private readonly symbols: readonly string[],
    private readonly known: RecentlyUsed<Series>,
    private readonly samples: Samples,
  ) {}

  read(): void {
    const { reader } = this;
    const end = reader.end();
    const start = reader.pos;
    this.readLabels(end);
    reader.pos = start;
    let series: Series | undefined;
    while (reader.pos < end) {
      const tag = reader.uint32();
      if (tag === SAMPLES) this.samples.read(reader, (series ??= this.series()));
      else {
        if (tag === HISTOGRAMS) this.samples.histograms++;
        reader.pass(tag);
      }
    }
    reader.close(end);
  }

  /** They may stand anywhere in the series. */
  private readLabels(end: number): void {
    const { reader, texts } = this;
    texts.length = 0;
    while (reader.pos < end) {
      const tag = reader.uint32();
      if (tag === PACKED_LABELS) {
        const labelsEnd = reader.end();
        while (reader.pos < labelsEnd) this.readText();
        reader.close(labelsEnd);
      } else if (tag === LABEL) this.readText();
      else reader.pass(tag);
    }
    reader.close(end);
    if (texts.length % 2 !== 0) throw new RangeError('a label has a name and no value');
    this.labels.add(texts.length / 2);
  }

  private readText(): void {
    const text = this.symbols[this.reader.uint32()];
    if (text === undefined) throw new RangeError('a label refers to a symbol that is not there');
    if (this.texts.length >= 2 * MAX_LABELS) throw new RangeError(`a series has more than ${MAX_LABELS} labels`);
    this.texts.push(text);
  }

  private series(): Series {
    const { texts } = this;
    return this.known.find(texts.map(framed).join(''), () => seriesOfLabels(inPairs(texts)));
  }
}

function inPairs(texts: readonly string[]): (readonly [string, string])[] {
  return Array.from({ length: texts.length / 2 }, (_, index) => [texts[2 * index] ?? '', texts[2 * index + 1] ?? '']);
}
