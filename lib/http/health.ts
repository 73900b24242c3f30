import type { RouterInstance } from '@koa/router';
import { messageOf } from '../errors.js';
import type { Logger } from '../log.js';
import type { Middleware, RequestState } from './context.js';

/** Something that the service needs. */
export interface ReadinessCheck {
  /** As it is called in `/ready`: `store`, `queue`. */
  readonly name: string;
  /** False: without it the service still takes events. */
  readonly essential: boolean;
  /** Throws with the reason where it is not there; a text that it resolves to is what people should know all the same. */
  check(): Promise<unknown>;
}

interface CheckResult {
  readonly name: string;
  readonly status: 'ready' | 'not ready';
  readonly reason?: string;
  readonly note?: string;
}

/** As InfluxDB's, for clients of it look for `pass`. */
export const ALIVE = {
  name: 'tracking-api',
  status: 'pass',
  message: 'The process is alive; /ready says whether it can do its work.',
};

const PATIENCE = 2000;

/** `/health` says that the process lives, `/ready` whether it can take events, and what is missing. */
export function routeHealth(
  router: RouterInstance<RequestState>,
  checks: readonly ReadinessCheck[],
  logger: Logger,
): void {
  router.get('/health', answerAlive);
  router.get('/ready', answerReady(checks, logger));
}

const answerAlive: Middleware = function answerAlive(ctx) {
  ctx.body = ALIVE;
};

function answerReady(checks: readonly ReadinessCheck[], logger: Logger): Middleware {
  // However many ask at once, what they ask about is asked once.
  let underWay: Promise<CheckResult[]> | undefined;
  const changes = new Changes(logger);
  return async function answerReady(ctx) {
    underWay ??= Promise.all(checks.map((check) => resultOf(check, changes))).finally(() => (underWay = undefined));
    const results = await underWay;
    const missing = checks.filter((_, index) => results[index]?.status !== 'ready');
    const refuses = missing.some(({ essential }) => essential);
    ctx.status = refuses ? 503 : 200;
    ctx.body = { status: refuses ? 'not ready' : missing.length > 0 ? 'degraded' : 'ready', checks: results };
  };
}

/** Tells the log what is missing when that changes: it may know more than anybody who asks. */
class Changes {
  private readonly reasons = new Map<string, string>();

  constructor(private readonly logger: Logger) {}

  failed(name: string, error: unknown): void {
    const reason = messageOf(error);
    if (this.reasons.get(name) === reason) return;
    this.reasons.set(name, reason);
    const { cause } = error as { readonly cause?: unknown };
    this.logger.warn('not ready', { check: name, reason, cause: cause === undefined ? undefined : messageOf(cause) });
  }

  succeeded(name: string): void {
    if (this.reasons.delete(name)) this.logger.info('ready again', { check: name });
  }
}

async function resultOf(check: ReadinessCheck, changes: Changes): Promise<CheckResult> {
  const { name } = check;
  let timer;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`no answer within ${PATIENCE / 1000} s`));
    }, PATIENCE);
  });
  try {
    const note = await Promise.race([check.check(), timeout]);
    changes.succeeded(name);
    return { name, status: 'ready', ...(typeof note === 'string' ? { note } : {}) };
  } catch (error) {
    changes.failed(name, error);
    return { name, status: 'not ready', reason: messageOf(error) };
  } finally {
    clearTimeout(timer);
  }
}
