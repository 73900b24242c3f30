/** Which suites run is said by the scripts of package.json; this holds for all of them. */
module.exports = {
  require: ['./test/loopback.cjs'],
  // Ends what hangs; no test is about speed, and the machine may be busy.
  timeout: 30_000,
  slow: 1_000,
  // A test that is skipped, left alone with `only`, or not found is a failure.
  'forbid-only': true,
  'forbid-pending': true,
  'fail-zero': true,
};
