import type { StoredEvent } from '../../lib/store.js';
import { ReferenceStore } from '../reference.js';

const SECOND = 1_000_000_000n;

/** A store that has events without end, counts those it gave, and tells when it is let go. */
export class EndlessStore extends ReferenceStore {
  given = 0;
  readonly ended: Promise<void>;
  private end: () => void = () => undefined;

  constructor(private readonly failAfter = Infinity) {
    super();
    this.ended = new Promise((resolve) => (this.end = resolve));
  }

  override extent() {
    return Promise.resolve({ first: 0n, last: 1n });
  }

  override async *events(): AsyncGenerator<StoredEvent> {
    try {
      for (;;) {
        await Promise.resolve();
        if (this.given >= this.failAfter) throw new Error('The disk is gone.');
        yield { time: BigInt(this.given++) * SECOND, value: 1, tags: {} };
      }
    } finally {
      this.end();
    }
  }
}
