import { expectSyncs, TIMEOUT } from './syncs.js';

describe('The embedded store', function () {
  this.timeout(TIMEOUT);

  it('has synced its log before each answer', () => expectSyncs('embedded'));
});
