/** Waits for all, also after one has failed: none may go on while the next write places its points. */
export async function allDone(tasks: readonly Promise<void>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(tasks)) {
    if (outcome.status === 'rejected') throw outcome.reason;
  }
}
