import { expect } from 'chai';
import * as fc from 'fast-check';
import { Admission } from '../lib/admission.js';
import { TrackingError } from '../lib/errors.js';

describe('admission', () => {
  it('never lets more in than there is room for, nor one sender take what others need', () => {
    const step = fc.record({ bytes: fc.integer({ min: 0, max: 60 }), sender: fc.constantFrom('one', 'other') });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const admission = new Admission(100);
        const inside: typeof steps = [];
        const pending = (whose?: string): number =>
          inside.reduce((sum, { bytes, sender }) => sum + (whose === undefined || sender === whose ? bytes : 0), 0);
        for (const [index, { bytes, sender }] of steps.entries()) {
          let code: string | undefined;
          try {
            admission.enter(bytes, sender);
            inside.push({ bytes, sender });
          } catch (error) {
            if (!(error instanceof TrackingError)) throw error;
            code = error.code;
            expect(error.retryAfter).to.equal(1);
          }
          const own = pending(sender) + (code === undefined ? 0 : bytes);
          const all = pending() + (code === undefined ? 0 : bytes);
          expect(code).to.equal(own > 80 ? 'too-many-requests' : all > 100 ? 'unavailable' : undefined);
          expect(admission.pendingBytes).to.equal(pending());
          const gone = index % 3 === 0 ? inside.shift() : undefined;
          if (gone !== undefined) admission.leave(gone.bytes, gone.sender);
        }
        for (const { bytes, sender } of inside) admission.leave(bytes, sender);
        expect(admission.pendingBytes).to.equal(0);
        admission.enter(80, 'one');
      }),
    );
  });
});
