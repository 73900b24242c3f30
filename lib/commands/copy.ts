import { readSettings } from '../config.js';
import { TrackingError } from '../errors.js';
import { say } from '../terminal/progress.js';
import { EqualPoints, type IdentityRule, persistent, type PointsFilter, transfer } from '../transfer.js';
import type { StoreKind, TransferStore } from '../transfer-store.js';
import { watch } from './export.js';
import { Refusals } from './refusals.js';
import {
  interruption,
  isQueued,
  openOtherStore,
  openServiceStore,
  patience,
  QUEUED,
  untilInterrupted,
  withStore,
} from './store.js';

export interface CopyOptions {
  readonly from: StoreKind;
  readonly to: StoreKind;
  readonly identity: IdentityRule;
}

/** Copies points from one store to the other, each once however often it is done. */
export async function copyPoints({ from, to, identity }: CopyOptions, filter: PointsFilter): Promise<void> {
  if (from === to) {
    throw new TrackingError('invalid', `--from and --to must differ, and both are ${from}.`);
  }
  const signal = interruption();
  await withBoth(from, to, async (source, sink) => {
    const watched = await watch(source, filter, 'copying');
    const points = new EqualPoints().identify(untilInterrupted(watched.points, signal), identity);
    const refusals = new Refusals();
    let count = 0;
    try {
      for await (const step of transfer(points, persistent(sink, patience(signal)))) {
        refusals.add(step, count);
        count += step.points.length;
      }
    } finally {
      watched.stop();
    }
    refusals.report('point');
    const where = (await isQueued(sink)) ? `the queue before ${to} (${QUEUED})` : to;
    say(`${count.toLocaleString('en')} points of ${from} are in ${where}, each once.`);
  });
}

/** The store that the running service has is reached through it, the other one is opened here. */
async function withBoth(
  from: StoreKind,
  to: StoreKind,
  use: (source: TransferStore, sink: TransferStore) => Promise<void>,
): Promise<void> {
  // Both sets of settings are checked before anything is opened.
  const refusal = `To copy from ${from} to ${to} the settings of both are needed:`;
  const settings = { [from]: readSettings({ store: from, refusal }), [to]: readSettings({ store: to, refusal }) };
  await withStore(openServiceStore(readSettings()), (held) => {
    const other = settings[held.kind === from ? to : from] ?? readSettings();
    return withStore(openOtherStore(other), (opened) => (held.kind === from ? use(held, opened) : use(opened, held)));
  });
}
