import type { Reader } from './store.js';

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

/** A store whose answers end as soon as a signal says that nobody waits for them any more. */
export function readerUntil(store: Reader, signal: AbortSignal): Reader {
  return {
    extent: (selection) => store.extent(selection),
    aggregate: (question) => endingWith(signal, store.aggregate(question)),
    latest: (selection, groupBy) => endingWith(signal, store.latest(selection, groupBy)),
    events: (query) => endingWith(signal, store.events(query)),
    namespaces: () => store.namespaces(),
    names: (namespace) => store.names(namespace),
  };
}

function endingWith<T>(signal: AbortSignal, iterable: AsyncIterable<T>): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]() {
      const iterator = iterable[Symbol.asyncIterator]();
      const end = (): void => {
        iterator.return?.().catch(() => undefined);
      };
      if (signal.aborted) end();
      else signal.addEventListener('abort', end, { once: true });
      return iterator;
    },
  };
}
