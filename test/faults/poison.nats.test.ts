import { expect } from 'chai';
import { formatCount, report } from './figures.js';
import { lengthOf } from './length.js';
import { isPoison, Poisoned, POISONS } from './poison.js';
import { caughtUp } from './stored.js';

const EVENTS = lengthOf({ full: 100, short: 5 }) * 1000;

describe('One queued event in a thousand that InfluxDB refuses', function () {
  this.timeout(600_000);

  for (const [what, poison] of Object.entries(POISONS)) {
    it(`for ${what} becomes a dead letter with the reason, and all others are stored`, async () => {
      const poisoned = await Poisoned.start(true);
      const answers = await poisoned.send(EVENTS, what, poison);
      expect(answers.every(({ status }) => status === 201)).to.equal(true);
      await caughtUp(poisoned.service);
      const letters = await poisoned.deadLetters();
      const stored = await poisoned.stored(what);
      report(`${what}: ${letters.length} dead letters, ${formatCount(stored.length)} of ${formatCount(EVENTS)} stored`);
      await poisoned.stop();
      const all = Array.from({ length: EVENTS }, (_, value) => value);
      expect(inOrder(letters.map(({ event }) => event.value))).to.deep.equal(all.filter(isPoison));
      for (const { reason } of letters) expect(reason).to.match(poison.reason);
      expect(inOrder(stored)).to.deep.equal(all.filter((value) => !isPoison(value)));
    });
  }
});

function inOrder(values: readonly number[]): number[] {
  return [...values].sort((one, other) => one - other);
}
