import type { RouterInstance } from '@koa/router';
import type { RequestState } from './context.js';

/** What counts requests, and tells how many and much of everything there was. */
export interface Meter {
  readonly contentType: string;
  text(): Promise<string>;
  /** @param refusal - the code of the error that ended it */
  request(route: string, method: string, status: number, seconds: number, refusal: string | undefined): void;
}

/** `/metrics`: for Prometheus, which brings no token. There is nothing in it but numbers. */
export function routeMetrics(router: RouterInstance<RequestState>, meter: Meter): void {
  router.get('/metrics', async function answerMetrics(ctx) {
    ctx.set('Content-Type', meter.contentType);
    ctx.body = await meter.text();
  });
}
