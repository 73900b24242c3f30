import type { RouterInstance } from '@koa/router';
import type { Reader } from '../store.js';
import { formatTime } from '../time.js';
import { grantOf, requireScope } from './authenticate.js';
import type { Middleware, RequestState } from './context.js';
import { readParameters, refuseOtherParameters } from './parameters.js';
import { segment } from './path.js';
import { visibleStore } from './visible-store.js';

/** `GET /api/events/` and `GET /api/events/{namespace}/`: what there is to ask for (`api.md`, Discovery). */
export function routeDiscovery(router: RouterInstance<RequestState>, authenticate: Middleware, store: Reader): void {
  const mayRead = [authenticate, requireScope('read'), refuseParameters];
  router.get('/api/events', ...mayRead, listNamespaces(store));
  router.get('/api/events/:namespace', ...mayRead, listNames(store));
}

const refuseParameters: Middleware = function refuseParameters(ctx, next) {
  refuseOtherParameters(readParameters(ctx.querystring), []);
  return next();
};

function listNamespaces(store: Reader): Middleware {
  return async function listNamespaces(ctx) {
    ctx.body = await visibleStore(store, grantOf(ctx)).namespaces();
  };
}

function listNames(store: Reader): Middleware {
  return async function listNames(ctx) {
    const names = await visibleStore(store, grantOf(ctx)).names(segment(ctx, 0));
    ctx.body = names.map(({ name, tagKeys, first, last }) => ({
      name,
      tagKeys,
      first: formatTime(first),
      last: formatTime(last),
    }));
  };
}
