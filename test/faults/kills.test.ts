import { CYCLES, killUnderLoad } from './kills.js';

describe('kill -9 of the service on DuckDB', function () {
  this.timeout(60_000 + CYCLES * 30_000);

  it('loses nothing that was acknowledged, and doubles nothing', () => killUnderLoad({}));
});
