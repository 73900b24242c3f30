import { expectSyncs, TIMEOUT } from './syncs.js';

describe('NATS', function () {
  this.timeout(TIMEOUT);

  it('has synced its file before each answer', () => expectSyncs('nats'));
});
