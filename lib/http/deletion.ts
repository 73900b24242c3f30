import type { RouterInstance } from '@koa/router';
import { allowsNamespace } from '../access.js';
import type { Selection } from '../aggregation.js';
import { TrackingError } from '../errors.js';
import { isText } from '../event-rules.js';
import { grantOf, requireScope } from './authenticate.js';
import type { Middleware, RequestState } from './context.js';
import { segment } from './path.js';
import { readSelection } from './selection-query.js';

/** What deletes events: the store between two writes, or the queue behind all that was published before. */
export interface Deleter {
  /** @returns how many there were, once they are gone for good */
  delete(selection: Selection): Promise<number>;
}

/** `DELETE /api/events/{namespace}/{name}`: events gone for good, all of them or those of a range and of tags. */
export function routeDeletion(router: RouterInstance<RequestState>, authenticate: Middleware, deleter: Deleter): void {
  router.delete('/api/events/:namespace/:name', authenticate, requireScope('delete'), deleteEvents(deleter));
}

function deleteEvents(deleter: Deleter): Middleware {
  return async function deleteEvents(ctx) {
    const selection = readSelection(segment(ctx, 0), segment(ctx, 1), ctx.querystring);
    refuseForeignNamespace(selection, grantOf(ctx).namespaces);
    const possible = possibleIn(selection);
    ctx.body = { deleted: possible === undefined ? 0 : await deleter.delete(possible) };
  };
}

function refuseForeignNamespace({ namespace }: Selection, patterns: readonly string[]): void {
  if (allowsNamespace(patterns, namespace)) return;
  throw new TrackingError(
    'forbidden',
    `Nothing was deleted: the application may delete in ${patterns.join(', ')} alone, and "${namespace}" is outside.`,
  );
}

/** Without the values that no event can have, so that no store has to ask its database for them; nothing where no event is meant. */
function possibleIn(selection: Selection): Selection | undefined {
  if (!isText(selection.namespace) || !isText(selection.name)) return undefined;
  const tags = Object.entries(selection.tags).map(([key, values]) => [key, values.filter(isText)] as const);
  if (tags.some(([, values]) => values.length === 0)) return undefined;
  return { ...selection, tags: Object.fromEntries(tags) };
}
