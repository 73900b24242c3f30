import type { Lag } from '../queue.js';
import { readPage, type StoredMessage } from './exchange.js';
import { writtenIn } from './position.js';
import { EVENTS } from './publisher.js';
import { PARTITIONS, type Session, subjectOf } from './stream.js';

/** The messages at the front of a partition whose events are counted. */
const COUNTED = { batch: 100, max_bytes: 64 * 1024 };
/** In how many places the messages behind them are looked at. */
const SAMPLES = 8;

/**
 * What is in the stream behind the positions, whichever instances read it. Exact are the seconds, by the server's clock
 * and ours, and the events where few messages wait in a partition (a hundred, or 64 KiB). How many messages wait behind
 * these is exact too, and how many events they hold is concluded from some of them, evenly spread. A delivery that is
 * just being written counts until its partition's next one begins.
 */
export async function lagOf(session: Session): Promise<Lag> {
  const [written, { state }] = await Promise.all([writtenIn(session), session.jsm.streams.info(session.stream)]);
  const lags = await Promise.all(
    Array.from({ length: PARTITIONS }, (_, partition) =>
      lagBehind(session, partition, written.get(partition) ?? 0, state.last_seq),
    ),
  );
  return {
    events: lags.reduce((sum, { events }) => sum + events, 0),
    seconds: Math.max(...lags.map(({ seconds }) => seconds)),
  };
}

async function lagBehind(session: Session, partition: number, written: number, end: number): Promise<Lag> {
  const next_by_subj = subjectOf(session.stream, partition);
  const front = await readPage(session, session.stream, { seq: written + 1, next_by_subj, ...COUNTED });
  const [oldest, newest] = [front.messages[0], front.messages.at(-1)];
  if (oldest === undefined || newest === undefined) return { events: 0, seconds: 0 };
  const counted = front.messages.reduce((sum, message) => sum + eventsIn(message), 0);
  let events = counted;
  if (front.pending > 0) {
    const pages = await Promise.all(
      Array.from({ length: SAMPLES }, (_, index) => {
        const seq = newest.sequence + 1 + Math.floor(((end - newest.sequence) * index) / SAMPLES);
        return readPage(session, session.stream, { seq, next_by_subj, batch: 1 });
      }),
    );
    events += eventsBehind(
      front.pending,
      pages.flatMap(({ messages: [message], pending }) =>
        message === undefined ? [] : [{ events: eventsIn(message), after: pending }],
      ),
    );
  }
  return { events, seconds: Math.max(0, (Date.now() - oldest.time) / 1000) };
}

interface Sample {
  readonly events: number;
  /** How many messages there are behind it. */
  readonly after: number;
}

/** The events in so many messages: those between two samples hold what the two hold on average. */
function eventsBehind(messages: number, samples: readonly Sample[]): number {
  let [events, left, before] = [0, messages, samples[0]?.events ?? 0];
  for (const sample of samples) {
    events += ((left - sample.after) * (before + sample.events)) / 2;
    [left, before] = [sample.after, sample.events];
  }
  return Math.round(events + left * before);
}

function eventsIn({ headers }: StoredMessage): number {
  return Number(headers.get(EVENTS));
}
