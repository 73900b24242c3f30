import { type Grant, allowsNamespace } from '../access.js';
import type { Selection } from '../aggregation.js';
import { isText } from '../event-rules.js';
import type { Reader } from '../store.js';

/**
 * A store as an application sees it: what lies outside its namespaces looks as if it were not there. What no event can
 * be called is not looked for, so that no store needs to know how to ask its database for a control character.
 */
export function visibleStore(store: Reader, { namespaces }: Grant): Reader {
  const hides = (namespace: string): boolean => !isText(namespace) || !allowsNamespace(namespaces, namespace);
  const isEmpty = ({ namespace, name, tags }: Selection): boolean =>
    hides(namespace) || !isText(name) || Object.values(tags).some((values) => !values.some(isText));
  return {
    extent: (selection) => (isEmpty(selection) ? Promise.resolve(undefined) : store.extent(selection)),
    aggregate: (question) => (isEmpty(question.selection) ? nothing() : store.aggregate(question)),
    latest: (selection, groupBy) => (isEmpty(selection) ? nothing() : store.latest(selection, groupBy)),
    events: (query) => (isEmpty(query.selection) ? nothing() : store.events(query)),
    names: (namespace) => (hides(namespace) ? Promise.resolve([]) : store.names(namespace)),
    namespaces: async () => (await store.namespaces()).filter((namespace) => !hides(namespace)),
  };
}

async function* nothing(): AsyncGenerator<never> {
  // There is nothing to see.
}
