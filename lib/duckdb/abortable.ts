/**
 * An iterable whose `return()` aborts at once what it waits for: that of a generator alone would wait in line behind
 * the `next()` under way.
 */
export function abortable<T>(
  generate: (signal: AbortSignal) => AsyncGenerator<T, void, undefined>,
): AsyncIterableIterator<T, void, undefined> {
  const controller = new AbortController();
  const generator = generate(controller.signal);
  return {
    next: () =>
      generator.next().catch((error: unknown) => {
        if (controller.signal.aborted) return { done: true, value: undefined };
        throw error;
      }),
    return: () => {
      controller.abort();
      return generator.return();
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
