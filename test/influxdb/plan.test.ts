import { expect } from 'chai';
import fc from 'fast-check';
import { readPlan, writePlan } from '../../lib/influxdb/plan.js';

describe('A recorded plan', () => {
  it('is read as it was written, four bytes a point, wherever it lies in a message', () => {
    const nanoseconds = fc.array(fc.integer({ min: -2, max: 999_999 }));
    fc.assert(
      fc.property(nanoseconds, fc.nat(7), (plan, offset) => {
        const written = writePlan(plan);
        expect(written).to.have.length(plan.length * 4);
        const message = new Uint8Array(written.length + offset + 3);
        message.set(written, offset);
        expect(readPlan(message.subarray(offset, offset + written.length))).to.deep.equal(plan);
      }),
    );
  });
});
