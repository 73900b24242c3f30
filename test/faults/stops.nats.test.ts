import { stopUnderLoad, TIMEOUT } from './stops.js';

describe('Stopping the service behind NATS', function () {
  this.timeout(TIMEOUT);

  it('answers every request that was sent, and keeps what it acknowledged', () => stopUnderLoad('nats'));
});
