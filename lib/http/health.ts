import type { RouterInstance } from '@koa/router';
import { messageOf } from '../errors.js';
import type { Middleware, RequestState } from './context.js';

/** Something that the service needs. */
export interface ReadinessCheck {
  /** As it is called in `/ready`: `store`, `queue`. */
  readonly name: string;
  /** Throws with the reason where it is not there; a text that it resolves to is what people should know all the same. */
  check(): Promise<unknown>;
}

interface CheckResult {
  readonly name: string;
  readonly status: 'ready' | 'not ready';
  readonly reason?: string;
  readonly note?: string;
}

const PATIENCE = 2000;

/** `/health` says that the process lives, `/ready` whether it can do its work, and why not. */
export function routeHealth(router: RouterInstance<RequestState>, checks: readonly ReadinessCheck[]): void {
  router.get('/health', answerAlive);
  router.get('/ready', answerReady(checks));
}

const answerAlive: Middleware = function answerAlive(ctx) {
  ctx.body = { status: 'ok' };
};

function answerReady(checks: readonly ReadinessCheck[]): Middleware {
  // However many ask at once, what they ask about is asked once.
  let underWay: Promise<CheckResult[]> | undefined;
  return async function answerReady(ctx) {
    underWay ??= Promise.all(checks.map(resultOf)).finally(() => (underWay = undefined));
    const results = await underWay;
    const ready = results.every(({ status }) => status === 'ready');
    ctx.status = ready ? 200 : 503;
    ctx.body = { status: ready ? 'ready' : 'not ready', checks: results };
  };
}

async function resultOf(check: ReadinessCheck): Promise<CheckResult> {
  const { name } = check;
  let timer;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`no answer within ${PATIENCE / 1000} s`));
    }, PATIENCE);
  });
  try {
    const note = await Promise.race([check.check(), timeout]);
    return { name, status: 'ready', ...(typeof note === 'string' ? { note } : {}) };
  } catch (error) {
    return { name, status: 'not ready', reason: messageOf(error) };
  } finally {
    clearTimeout(timer);
  }
}
