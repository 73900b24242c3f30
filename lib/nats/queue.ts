import { createInbox, type Subscription } from '@nats-io/transport-node';
import type { Selection } from '../aggregation.js';
import { type ErrorCode, TrackingError } from '../errors.js';
import type { Point } from '../event.js';
import type { Lag, Queue, QueueConsumer } from '../queue.js';
import { Connection } from './connection.js';
import { NatsDeadLetters } from './dead-letters.js';
import { durabilityNote } from './durability.js';
import { failureOf } from './failure.js';
import { horizonOf } from './horizon.js';
import { lagOf } from './lag.js';
import { Leases } from './leases.js';
import { encodeDeletion } from './messages.js';
import { type Loss, lossNote } from './numbering.js';
import { Publisher } from './publisher.js';

export interface NatsOptions {
  /** Such as `nats://127.0.0.1:4222`, with user and password or a token where they are needed. */
  readonly url: string;
  /** Its monitoring port, such as `http://127.0.0.1:8222`, which alone knows whether it syncs what it acknowledges. */
  readonly monitorUrl: string | null;
  /** What the stream is called, and what the names of the buckets beside it begin with. */
  readonly stream: string;
  readonly replicas: number;
  /** Told what goes wrong in the background. */
  readonly onProblem: (message: string, error: unknown) => void;
  /** Told, in a sentence, where NATS turns out to have lost what it had acknowledged. */
  readonly onLoss: (message: string) => void;
}

const DELETION_PATIENCE = 30_000;
const NO_ROOM = 'NATS has no room for more: raise its limits or make room.';
const FULL =
  'NATS has no room for more, not even to note what the store has: until its limits are raised, or there is room, nothing goes from the queue to the store either.';
const WILL_HAPPEN =
  'The deletion is in the queue and will be carried out; asked for once more, it counts only what it finds then.';

type Answer =
  { readonly deleted: number } | { readonly failure: { readonly code: ErrorCode; readonly message: string } };

/** A queue in a stream of NATS JetStream. README.md says why nothing is lost there and nothing counted twice. */
export class NatsQueue implements Queue {
  readonly deadLetters: NatsDeadLetters;
  private readonly connection: Connection;
  private readonly publisher: Publisher;
  private leases: Leases | undefined;
  private lagUnderWay: Promise<Lag> | undefined;
  /** What refuses those who wait for a deletion. */
  private readonly waiting = new Set<() => void>();

  /** Connects in the background; until it has, every method throws `unavailable`. */
  constructor(private readonly options: NatsOptions) {
    const { url, stream, replicas, onLoss } = options;
    const tell = (noted: Loss): void => {
      onLoss(lossNote(noted));
    };
    this.connection = new Connection({ url, name: stream, replicas, onLoss: tell });
    this.publisher = new Publisher(this.connection);
    this.deadLetters = new NatsDeadLetters(this.connection, (points) => this.publisher.publish(points));
  }

  publish(points: readonly Point[]): Promise<void> {
    return this.attempt(() => this.publisher.publish(points));
  }

  delete(selection: Selection): Promise<number> {
    return this.attempt(async () => {
      const { nc } = this.connection.session;
      // Listened to before the order goes out, so that no answer can be missed.
      const answers = nc.subscribe(createInbox(), { max: 1, timeout: DELETION_PATIENCE });
      const answerTo = answers.getSubject();
      try {
        await this.publisher.order(selection.namespace, encodeDeletion({ selection, answerTo }));
        return await this.unlessAbandoned(numberFrom(answers));
      } finally {
        answers.unsubscribe();
      }
    });
  }

  feed(consumer: QueueConsumer): void {
    this.leases ??= new Leases(this.connection, {
      connection: this.connection,
      consumer,
      keep: (refused) => this.deadLetters.keep(refused),
      onProblem: this.options.onProblem,
    });
  }

  lag(): Promise<Lag> {
    // However many ask at once, NATS is asked once.
    this.lagUnderWay ??= this.attempt(() => lagOf(this.connection.session)).finally(
      () => (this.lagUnderWay = undefined),
    );
    return this.lagUnderWay;
  }

  async horizon(): Promise<() => Promise<boolean>> {
    const isReached = await this.attempt(() => horizonOf(() => this.connection.session));
    return () => this.attempt(isReached);
  }

  async check(): Promise<string | undefined> {
    return this.attempt(async () => {
      const { session } = this.connection;
      if (this.leases?.lacksRoom === true) throw new TrackingError('unavailable', FULL, { retryAfter: 5 });
      if (this.publisher.lacksRoom) throw new TrackingError('unavailable', NO_ROOM, { retryAfter: 5 });
      const [lag, letters, durability] = await Promise.all([
        lagOf(session),
        this.deadLetters.count(),
        durabilityNote(this.options.monitorUrl, this.options.replicas),
      ]);
      const notes = [
        ...this.connection.losses.notes,
        lagNote(lag),
        lettersNote(letters),
        this.leases?.problem,
        durability,
      ];
      return notes.filter((note) => note !== undefined).join(' ') || undefined;
    });
  }

  get losses(): number {
    return this.connection.losses.count;
  }

  abandon(): void {
    for (const refuse of this.waiting) refuse();
  }

  /** Resolves as soon as NATS is there. @throws TrackingError `unavailable` after so many milliseconds without it */
  async established(milliseconds: number): Promise<void> {
    await this.connection.established(milliseconds);
  }

  async close(): Promise<void> {
    await this.leases?.close();
    await this.connection.close();
  }

  /** Rejects as soon as nobody shall wait any more. */
  private unlessAbandoned<Result>(work: Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      const refuse = (): void => {
        reject(new TrackingError('unavailable', `The service is stopping. ${WILL_HAPPEN}`, { retryAfter: 5 }));
      };
      this.waiting.add(refuse);
      work.then(resolve, reject).finally(() => this.waiting.delete(refuse));
    });
  }

  private async attempt<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      throw failureOf(error, '');
    }
  }
}

async function numberFrom(answers: Subscription): Promise<number> {
  try {
    for await (const message of answers) {
      const answer = message.json<Answer>();
      if ('deleted' in answer) return answer.deleted;
      throw new TrackingError(answer.failure.code, answer.failure.message);
    }
  } catch (error) {
    throw error instanceof TrackingError ? error : notYet(error);
  }
  throw notYet(undefined);
}

function notYet(cause: unknown): TrackingError {
  return new TrackingError(
    'unavailable',
    `The deletion waits in the queue behind events that the store has not taken yet. ${WILL_HAPPEN}`,
    { retryAfter: 30, cause },
  );
}

function lagNote({ events, seconds }: Lag): string | undefined {
  return events === 0 ? undefined : `${events} event(s) wait for the store, the oldest for ${seconds.toFixed(1)} s.`;
}

function lettersNote(letters: number): string | undefined {
  return letters === 0
    ? undefined
    : `${letters} dead letter(s): events that the database refuses; see \`tracking dead-letters list\`.`;
}
