import { killAtCheckpoints, KILLS, killUnderLoad, TIMEOUT } from './kills.js';

describe('kill -9 of the service on DuckDB', function () {
  this.timeout(TIMEOUT);

  it('loses nothing that was acknowledged, and doubles nothing', () => killUnderLoad('embedded'));

  it('in the middle of a checkpoint neither', () => killAtCheckpoints(Math.ceil(KILLS / 10)));
});
