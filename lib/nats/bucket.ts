import type { JetStreamManager } from '@nats-io/jetstream';
import { isConflict } from './failure.js';
import { type Link, readPage, store } from './exchange.js';
import type { Reserve } from './reserve.js';

/** A value under a key. */
export interface Entry {
  readonly key: string;
  readonly value: Uint8Array;
  /** Changes with every change of the value, and grows. */
  readonly revision: number;
}

// NATS answers for so many subjects at once.
const PAGE = 1000;

/** A key-value bucket of NATS, as `nats kv` shows it; every change is durable when it resolves. */
export class Bucket {
  constructor(
    private readonly link: Link,
    private readonly jsm: JetStreamManager,
    private readonly name: string,
    private readonly reserve: Reserve,
  ) {}

  /** The value as the bucket's leader has it; nothing stale. */
  async get(key: string): Promise<Entry | undefined> {
    const message = await this.jsm.streams.getMessage(this.stream, { last_by_subj: this.subject(key) });
    return message === null ? undefined : { key, value: message.data, revision: message.seq };
  }

  /** @returns the new revision */
  put(key: string, value: string | Uint8Array): Promise<number> {
    return this.reserve.note(() => store(this.link, this.subject(key), Buffer.from(value)));
  }

  /**
   * Sets the value where its revision is still the one given; 0: where there is none.
   * @returns the new revision, or nothing where somebody else was faster
   */
  async replace(key: string, value: string | Uint8Array, revision: number): Promise<number | undefined> {
    try {
      const headers = { 'Nats-Expected-Last-Subject-Sequence': String(revision) };
      return await this.reserve.note(() => store(this.link, this.subject(key), Buffer.from(value), headers));
    } catch (error) {
      if (isConflict(error)) return undefined;
      throw error;
    }
  }

  async remove(key: string): Promise<void> {
    await this.jsm.streams.purge(this.stream, { filter: this.subject(key) });
  }

  /** All values whose keys match one of the patterns (`*` for one part of a key), few enough to come at once. */
  async match(...patterns: string[]): Promise<Entry[]> {
    const subjects = patterns.map((pattern) => this.subject(pattern));
    const { messages } = await readPage(this.link, this.stream, { multi_last: subjects, batch: PAGE });
    return messages.map(({ subject, data, sequence }) => this.toEntry(subject, data, sequence));
  }

  /** So many values at most, in the order of their last changes, from one revision on. */
  async from(revision: number, limit: number): Promise<Entry[]> {
    const { messages } = await readPage(this.link, this.stream, {
      seq: revision,
      next_by_subj: this.subject('>'),
      batch: Math.min(limit, PAGE),
    });
    return messages.map(({ subject, data, sequence }) => this.toEntry(subject, data, sequence));
  }

  /** The revision of the latest change; 0 where there was none. */
  async latest(): Promise<number> {
    return (await this.jsm.streams.info(this.stream)).state.last_seq;
  }

  async count(): Promise<number> {
    return (await this.jsm.streams.info(this.stream)).state.messages;
  }

  private get stream(): string {
    return `KV_${this.name}`;
  }

  private subject(key: string): string {
    return `$KV.${this.name}.${key}`;
  }

  private toEntry(subject: string, value: Uint8Array, revision: number): Entry {
    return { key: subject.slice(this.subject('').length), value, revision };
  }
}
