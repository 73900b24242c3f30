import { expect } from 'chai';
import { formatCount, report } from './figures.js';
import { lengthOf } from './length.js';
import { isPoison, Poisoned, POISONS } from './poison.js';

const EVENTS = lengthOf({ full: 100, short: 5 }) * 1000;

describe('One event in a thousand that InfluxDB refuses', function () {
  this.timeout(600_000);
  let poisoned: Poisoned;
  before(async () => {
    poisoned = await Poisoned.start(false);
  });
  after(() => poisoned.stop());

  for (const [what, poison] of Object.entries(POISONS)) {
    it(`for ${what}: its caller is told which, no other caller is, and all others are stored`, async () => {
      const answers = await poisoned.send(EVENTS, what, poison);
      for (const { status, errors, poisoned: index } of answers) {
        expect(status).to.equal(index === undefined ? 201 : 422);
        expect(errors.map((error) => error.index)).to.deep.equal(index === undefined ? [] : [index]);
        for (const { message } of errors) expect(message).to.match(poison.reason);
      }
      const stored = await poisoned.stored(what);
      const refused = answers.filter(({ status }) => status === 422).length;
      report(`${what}: ${refused} refused by name, ${formatCount(stored.length)} of ${formatCount(EVENTS)} stored`);
      expect(stored.sort((one, other) => one - other)).to.deep.equal(healthy());
    });
  }
});

function healthy(): number[] {
  return Array.from({ length: EVENTS }, (_, value) => value).filter((value) => !isPoison(value));
}
