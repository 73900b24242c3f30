import { hash } from 'node:crypto';
import { adoptSeries, adoptTags } from '../../adoption.js';
import { MAX_TAGS } from '../../event-rules.js';
import { type Series, seriesOf } from '../../event.js';
import { MILLISECOND } from '../../time.js';
import { boundedText } from '../bounded-text.js';
import { framed } from '../recently-used.js';
import { type Attributes, type Pair, textOfPairs } from './attributes.js';

/** Which attributes become tags. */
export interface TagChoice {
  /** Of the resource. */
  readonly resourceTags: readonly string[];
  /** Of the data points; null: all. */
  readonly tags: readonly string[] | null;
}

/** Under this name the state of the streams of a namespace is kept, each as a series of its own. */
export const STATE_NAME = 'otel.cumulative';

/**
 * What tells a part of a metric one after the other: what makes it one stream is its resource, scope, name, part and
 * attributes, all of them.
 */
export class Stream {
  private ownId: string | undefined;
  private ownNanosecond: bigint | undefined;
  private ownStateSeries: Series | undefined;

  constructor(
    /** What its events belong to. Where not all attributes become tags, several streams share one. */
    readonly series: Series,
    private readonly part: Part,
    private readonly attributes: Attributes,
  ) {}

  /** A digest of all that makes it this stream: no two of millions are likely to share one. */
  get id(): string {
    this.ownId ??= hash('sha256', this.part.identityWith(this.attributes)).slice(0, 16);
    return this.ownId;
  }

  /**
   * Where its increases lie within their milliseconds, so that streams which share a series replace nothing of each
   * other, whether they come in one request or in several. The parts of a histogram lie at the same.
   */
  get nanosecond(): bigint {
    this.ownNanosecond ??= this.part.nanosecondOf(this.attributes);
    return this.ownNanosecond;
  }

  /** The series that holds its values as they were read. */
  get stateSeries(): Series {
    this.ownStateSeries ??= seriesOf(this.series.namespace, STATE_NAME, { stream: this.id });
    return this.ownStateSeries;
  }
}

/** Roughly the bytes that streams may take, with all that they belong to, before they are all made anew. */
const MAX_BYTES = 128 * 2 ** 20;

/** What a stream takes beside its texts; a resource, a metric or a part of one takes no more. */
const ENTRY_BYTES = 400;

/**
 * The streams that data points belong to. To name a series and to take a digest costs many times as much as to find
 * them again; equal attributes are mostly the same object, by which they are found.
 */
export class Streams {
  private sources = new Map<Attributes, Source>();
  private tags = new Map<Attributes, readonly Pair[]>();
  private bytes = 0;
  private readonly chosen: ReadonlySet<string> | undefined;

  constructor(private readonly choice: TagChoice) {
    this.chosen = choice.tags === null ? undefined : new Set(choice.tags);
  }

  /** The streams of a metric. */
  metricOf(resource: Attributes, scope: string, name: string): MetricStreams {
    let source = this.sources.get(resource);
    if (source === undefined) {
      source = new Source(this, resource, this.choice.resourceTags);
      this.sources.set(resource, source);
      this.grow(ENTRY_BYTES + resource.bytes + 2 * source.identity.length);
    }
    return source.metricOf(scope, name);
  }

  /** The tags that a data point's attributes become, no more of them than a series may have. */
  tagsOf(attributes: Attributes): readonly Pair[] {
    let tags = this.tags.get(attributes);
    if (tags === undefined) {
      const { chosen } = this;
      tags = chosen === undefined ? attributes.pairs : attributes.pairs.filter(([key]) => chosen.has(key));
      // A thousand are put together once, and not for each of thousands of buckets.
      if (tags.length > MAX_TAGS) tags = Object.entries(adoptTags(tags));
      this.tags.set(attributes, tags);
      this.grow(attributes.bytes);
    }
    return tags;
  }

  /** Counts what was made, so that however much is sent no more than `MAX_BYTES` are kept. */
  grow(bytes: number): void {
    this.bytes += bytes;
    if (this.bytes <= MAX_BYTES) return;
    this.sources = new Map();
    this.tags = new Map();
    this.bytes = 0;
  }
}

/** What is known of a resource. */
class Source {
  readonly namespace: string;
  readonly tags: readonly Pair[];
  readonly identity: string;
  private readonly metrics = new Map<string, MetricStreams>();

  constructor(
    readonly streams: Streams,
    resource: Attributes,
    resourceTags: readonly string[],
  ) {
    const values = new Map(resource.pairs);
    this.namespace =
      ['service.name', 'host.name'].map((key) => values.get(key) ?? '').find((text) => text !== '') ?? 'otel';
    this.tags = resourceTags.flatMap((key): Pair[] => {
      const value = values.get(key);
      return value === undefined ? [] : [[key, value]];
    });
    this.identity = boundedText(textOfPairs([...values].sort(([one], [other]) => (one < other ? -1 : 1))));
  }

  metricOf(scope: string, name: string): MetricStreams {
    const key = framed(scope) + name;
    let metric = this.metrics.get(key);
    if (metric === undefined) {
      metric = new MetricStreams(this, scope, name);
      this.metrics.set(key, metric);
      this.streams.grow(ENTRY_BYTES + 2 * (key.length + name.length));
    }
    return metric;
  }
}

/** The streams of one metric, part by part. */
export class MetricStreams {
  private readonly parts = new Map<string, Part>();
  private readonly tagged = new Map<string, Map<number, Part>>();

  constructor(
    private readonly source: Source,
    private readonly scope: string,
    private readonly name: string,
  ) {}

  /** @param suffix - what stands behind the name of the metric */
  part(suffix: string): Part {
    let part = this.parts.get(suffix);
    if (part === undefined) {
      part = this.partOf(suffix, undefined);
      this.parts.set(suffix, part);
    }
    return part;
  }

  /** A part that has a tag beside those of the data point, whose value is a number. */
  taggedPart(suffix: string, key: string, value: number, text: (value: number) => string): Part {
    let parts = this.tagged.get(suffix);
    if (parts === undefined) {
      parts = new Map();
      this.tagged.set(suffix, parts);
    }
    let part = parts.get(value);
    if (part === undefined) {
      part = this.partOf(suffix, [key, text(value)]);
      parts.set(value, part);
    }
    return part;
  }

  private partOf(suffix: string, extra: Pair | undefined): Part {
    this.source.streams.grow(ENTRY_BYTES);
    return new Part(this.source, this.scope, this.name, suffix, extra);
  }
}

/** The streams of a part of a metric by their attributes. */
export class Part {
  private readonly streams = new Map<Attributes, Stream>();

  constructor(
    private readonly source: Source,
    private readonly scope: string,
    private readonly name: string,
    private readonly suffix: string,
    private readonly extra: Pair | undefined,
  ) {}

  nanosecondOf(attributes: Attributes): bigint {
    const digest = hash('sha256', framed(this.source.identity) + framed(this.scope) + attributes.identity);
    return BigInt(Number.parseInt(digest.slice(0, 12), 16)) % MILLISECOND;
  }

  streamOf(attributes: Attributes): Stream {
    let stream = this.streams.get(attributes);
    if (stream === undefined) {
      stream = new Stream(this.seriesOf(attributes), this, attributes);
      this.streams.set(attributes, stream);
      this.source.streams.grow(ENTRY_BYTES + 2 * stream.series.key.length);
    }
    return stream;
  }

  private seriesOf(attributes: Attributes): Series {
    const { source, name, suffix, extra } = this;
    const tags = [...source.tags, ...source.streams.tagsOf(attributes), ...(extra ? [extra] : [])];
    return adoptSeries(source.namespace, name + suffix, tags);
  }

  identityWith(attributes: Attributes): string {
    const { source, scope, name, suffix, extra } = this;
    const own = extra === undefined ? suffix : `${suffix} ${extra[0]} ${extra[1]}`;
    return framed(source.identity) + framed(scope) + framed(name) + framed(attributes.identity) + own;
  }
}
