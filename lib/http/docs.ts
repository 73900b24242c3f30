import type { RouterInstance } from '@koa/router';
import type { Middleware, RequestState } from './context.js';
import { errorsPage } from './docs/errors-page.js';
import { operationsPage } from './docs/operations-page.js';
import { CONTENT_SECURITY_POLICY } from './docs/page.js';
import { openApiDocument } from './openapi/document.js';

/** For five minutes: the documentation changes only when the service is replaced. */
const CACHE_CONTROL = 'public, max-age=300';

/** `/openapi.json` for programs, `/docs` and `/docs/errors` for people; anybody may read them. */
export function routeDocs(router: RouterInstance<RequestState>): void {
  router.get('/openapi.json', answerDocument(JSON.stringify(openApiDocument)));
  router.get('/docs', answerPage(operationsPage()));
  router.get('/docs/errors', answerPage(errorsPage()));
}

function answerDocument(body: string): Middleware {
  return function answerDocument(ctx) {
    ctx.set('Cache-Control', CACHE_CONTROL);
    // Tools that show such documents are often pages from elsewhere.
    ctx.set('Access-Control-Allow-Origin', '*');
    ctx.set('Content-Type', 'application/json; charset=utf-8');
    ctx.body = body;
  };
}

function answerPage(body: string): Middleware {
  return function answerPage(ctx) {
    ctx.set('Cache-Control', CACHE_CONTROL);
    ctx.set('Content-Security-Policy', CONTENT_SECURITY_POLICY);
    ctx.set('Referrer-Policy', 'no-referrer');
    ctx.set('Content-Type', 'text/html; charset=utf-8');
    ctx.body = body;
  };
}
