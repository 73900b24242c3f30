const BYTES = 4;

/**
 * A plan as it is recorded with a delivery: for each of its points, from the first on, the nanosecond within its
 * millisecond at which it is written, or a negative number where nothing is (see `Placement`).
 */
export function writePlan(nanoseconds: readonly number[]): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(nanoseconds.length * BYTES));
  nanoseconds.forEach((nanosecond, index) => {
    bytes.setInt32(index * BYTES, nanosecond);
  });
  return new Uint8Array(bytes.buffer);
}

/** What `writePlan` wrote. */
export function readPlan(recorded: Uint8Array): number[] {
  const bytes = new DataView(recorded.buffer, recorded.byteOffset, recorded.byteLength);
  return Array.from({ length: recorded.byteLength / BYTES }, (_, index) => bytes.getInt32(index * BYTES));
}
