import type { StreamConfig, StreamInfo } from '@nats-io/jetstream';
import type { Bucket, Entry } from './bucket.js';

/**
 * What the numbers of the stream mean. A position says "everything up to 200 is in the store", and that stops being true
 * where NATS comes back without messages that it had acknowledged, or where the stream is deleted and made anew: then 150
 * is the number of another event. So the bucket of positions also says which stream it is about, and where it broke.
 */
export interface Numbering {
  /** When the stream was made, as NATS says it. */
  readonly created: string;
  /** The stream that the positions began with. */
  readonly generation: string;
  /** Of a server that is alone: which of its runs was seen last, for each has an id of its own. */
  readonly run?: string;
  /** In order of time, the last ones. */
  readonly breaks: readonly Break[];
}

/** A moment from which on numbers may mean other messages, or after which something of the queue is missing. */
export interface Break {
  /** Milliseconds since 1970: when it was noticed; no two have the same. */
  readonly era: number;
  readonly kind: 'restarted' | 'shortened' | 'replaced' | 'positions lost';
  /** The greatest number that means the same before and after. */
  readonly end: number;
  /** The greatest number known to have been given before. */
  readonly to: number;
}

/** A break that is more than a new start of the server. */
export type Loss = Break & { readonly kind: Exclude<Break['kind'], 'restarted'> };

/** The numbers up to which somebody has seen the stream, in the era of which they were seen. */
export interface Reached {
  readonly generation: string;
  /** 0: before the first break. */
  readonly era: number;
  readonly sequence: number;
}

const KEY = 'numbering';
/** Losses, and new starts, of which there are more. */
const KEPT_BREAKS = 100;
/** How long `/ready` speaks of a break. */
const REMEMBERED = 24 * 3_600_000;

/** The era that numbers given now belong to. */
export function eraOf({ breaks }: Numbering): number {
  return breaks.at(-1)?.era ?? 0;
}

/** Since when a number means what it means now: it was given more than once where the stream had broken below it. */
export function eraOfSequence({ breaks }: Numbering, sequence: number): number {
  return breaks.findLast(({ kind, end, to }) => (kind === 'restarted' || end < to) && end < sequence)?.era ?? 0;
}

/** What NATS turned out to have lost. */
export function lossesIn({ breaks }: Numbering): Loss[] {
  return breaks.filter(isLoss);
}

function isLoss(one: Break): one is Loss {
  return one.kind !== 'restarted';
}

/** The greatest number that still means now what it meant in an era. */
export function endSince({ breaks }: Numbering, era: number): number {
  return Math.min(...breaks.filter((one) => one.era > era).map(({ end }) => end), Number.MAX_SAFE_INTEGER);
}

/** A number of then as a number of now; 0 where it is of another stream. */
export function sequenceNow(numbering: Numbering, { generation, era, sequence }: Reached): number {
  return generation === numbering.generation ? Math.min(sequence, endSince(numbering, era)) : 0;
}

export interface NumberingSources {
  readonly writers: Bucket;
  /** What was known before the connection was lost, and perhaps the bucket with it. */
  readonly known: Numbering | undefined;
  /** See `Numbering.run`; nothing where the server is one of several. */
  readonly run: string | undefined;
  /** Everything that is known to have been given: by the positions, and by whoever asks. */
  readonly reached: () => Promise<readonly Reached[]>;
  /** The stream as it is; made where it is missing, with this as its first number. */
  readonly stream: (firstSequence: number) => Promise<StreamInfo>;
  /** Told of a loss by the one instance that has noted it. */
  readonly onLoss: (noted: Loss) => void;
}

/**
 * Compares the stream with what is known of it, and notes a break before anybody of ours publishes behind it. What is
 * known is read first, for it only trails the stream. A stream that we make anew goes on behind all numbers of the old
 * one, so that every position stays true.
 *
 * Whoever comes back first to a server that has started again may know of fewer numbers than others do, and its messages
 * get theirs. So it notes where the stream ended at that moment, and those who come later see by that whether what they
 * know of was lost.
 */
export async function openNumbering(sources: NumberingSources): Promise<Numbering> {
  const { writers, known, run, onLoss } = sources;
  for (;;) {
    const entry = await writers.get(KEY);
    const found = entry === undefined ? known : decode(entry);
    const reached = await sources.reached();
    const kept = found && withLostAtRestarts(found, reached);
    const furthest = Math.max(0, ...reached.map((one) => (kept === undefined ? one.sequence : sequenceNow(kept, one))));
    const info = await sources.stream(furthest + 1);
    const next = examine({ kept, positionsKept: entry !== undefined, run, info, furthest });
    if (next === found && entry !== undefined) return next;
    if ((await writers.replace(KEY, JSON.stringify(next), entry?.revision ?? 0)) === undefined) continue;
    for (const noted of lossesIn(next)) if (found?.breaks.includes(noted) !== true) onLoss(noted);
    return next;
  }
}

/** Whether the stream and its bucket are still those that a numbering is about. @param furthest - given by then */
export async function holdsStill(
  writers: Bucket,
  numbering: Numbering,
  furthest: number,
  stream: () => Promise<StreamInfo>,
): Promise<boolean> {
  const [entry, { created, state }] = await Promise.all([writers.get(KEY), stream()]);
  const kept = entry && decode(entry);
  return (
    kept !== undefined &&
    eraOf(kept) === eraOf(numbering) &&
    lossesIn(kept).length === lossesIn(numbering).length &&
    created === numbering.created &&
    state.last_seq >= furthest
  );
}

/** What people should know of losses, as long as they are new. */
export function lossNotes(numbering: Numbering): string[] {
  return lossesIn(numbering)
    .filter(({ era }) => Date.now() - era < REMEMBERED)
    .map(lossNote);
}

/** A loss in words. */
export function lossNote({ era, kind, end, to }: Loss): string {
  const noticed = `noticed ${new Date(era).toISOString()}`;
  switch (kind) {
    case 'shortened':
      return `The queue has lost messages ${end + 1} to ${to}, and perhaps more (${noticed}): NATS came back without them. Of their events those are there that were in the store; of those that were just being written, some may count twice.`;
    case 'replaced':
      return `The stream of the queue was made anew (${noticed}): what the one before held, up to message ${to} or beyond, and the store did not have yet, is lost.`;
    case 'positions lost':
      return `The queue has lost how far it was read (${noticed}): where no running instance knew it, events that were read in the seconds before may count twice.`;
  }
}

interface Findings {
  readonly kept: Numbering | undefined;
  /** False: the bucket has been emptied, or is another one. */
  readonly positionsKept: boolean;
  readonly run: string | undefined;
  readonly info: StreamInfo;
  readonly furthest: number;
}

/** @returns the numbering as it has to be noted; the same where nothing has changed */
function examine({ kept, positionsKept, run, info: { created, config, state }, furthest }: Findings): Numbering {
  const { first_seq = 1 } = config as Partial<StreamConfig>; // left out where it is 1
  const before = Math.max(1, first_seq) - 1;
  const breaks: Omit<Break, 'era'>[] = [];
  if (!positionsKept && (kept !== undefined || state.last_seq > before)) {
    const end = Math.max(furthest, state.last_seq);
    breaks.push({ kind: 'positions lost', end, to: end });
  }
  if (kept !== undefined && kept.created !== created) {
    breaks.push({ kind: 'replaced', end: furthest > before ? before : furthest, to: furthest });
  } else if (state.last_seq < furthest) {
    breaks.push({ kind: 'shortened', end: state.last_seq, to: furthest });
  } else if (run !== undefined && kept?.run !== undefined && run !== kept.run) {
    breaks.push({ kind: 'restarted', end: state.last_seq, to: state.last_seq });
  }
  const lastRun = run ?? kept?.run;
  if (kept !== undefined && positionsKept && lastRun === kept.run && breaks.length === 0) return kept;
  const era = Math.max(Date.now(), kept === undefined ? 0 : eraOf(kept) + 1);
  return {
    created,
    generation: kept?.generation ?? Date.parse(created).toString(36),
    ...(lastRun !== undefined && { run: lastRun }),
    breaks: lastOf([...(kept?.breaks ?? []), ...breaks.map((one, index) => ({ era: era + index, ...one }))]),
  };
}

/** No number of new starts displaces a loss, of which people are told, and which are counted. */
function lastOf(breaks: readonly Break[]): Break[] {
  const restarts = breaks.filter((one) => !isLoss(one));
  return [...breaks.filter(isLoss).slice(-KEPT_BREAKS), ...restarts.slice(-KEPT_BREAKS)].sort(
    (one, other) => one.era - other.era,
  );
}

/** A new start that has lost messages, as those know who come back from before it, is a loss. */
function withLostAtRestarts(numbering: Numbering, reached: readonly Reached[]): Numbering {
  const breaks = numbering.breaks.map((one, index) => {
    const before = { ...numbering, breaks: numbering.breaks.slice(0, index) };
    const known = reached.filter(({ era }) => era < one.era).map((some) => sequenceNow(before, some));
    const to = Math.max(one.end, ...known);
    return one.kind === 'restarted' && to > one.end ? { ...one, kind: 'shortened' as const, to } : one;
  });
  return breaks.some((one, index) => one !== numbering.breaks[index]) ? { ...numbering, breaks } : numbering;
}

function decode({ value }: Entry): Numbering {
  return JSON.parse(Buffer.from(value).toString()) as Numbering;
}
