import type { Refusal } from './refused.js';
import type { Reply } from './transport.js';

/** What an answer means for the events of its request. */
export type Verdict =
  | { readonly kind: 'stored' }
  /** These will never be taken; the others are to be sent again. */
  | { readonly kind: 'refused'; readonly refusals: readonly Refusal[] }
  /** Fewer at once are perhaps taken: there are too many, or it is not said which of them is wrong. */
  | { readonly kind: 'smaller'; readonly reason: string; readonly tooLarge: boolean }
  /** The token is not taken, perhaps another one. */
  | { readonly kind: 'token'; readonly reason: string }
  /** Somebody has to change something: a setting, the rights of the application, the address. */
  | { readonly kind: 'stuck'; readonly reason: string }
  | { readonly kind: 'later'; readonly reason: string };

interface Problem {
  readonly detail?: unknown;
  readonly errors?: unknown;
}

/** @param count - how many events there were in the request */
export function verdictOf(reply: Reply, count: number): Verdict {
  const { status } = reply;
  if (status >= 200 && status < 300) return { kind: 'stored' };
  const problem = problemIn(reply);
  const reason = `${status}${wordsOf(reply, problem)}`;
  if (status >= 500 || status === 408 || status === 425 || status === 429) return { kind: 'later', reason };
  if (status === 401) return { kind: 'token', reason };
  if (status === 413) return { kind: 'smaller', reason, tooLarge: true };
  // Only the service's own word condemns an event; a proxy's 400 would otherwise condemn them all.
  if ((status === 400 || status === 422) && problem !== undefined) {
    const refusals = refusalsIn(problem, count);
    return refusals.length > 0 ? { kind: 'refused', refusals } : { kind: 'smaller', reason, tooLarge: false };
  }
  return { kind: 'stuck', reason };
}

function problemIn({ type, text }: Reply): Problem | undefined {
  if (type !== 'application/problem+json') return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

const MAX_WORDS = 300;

function wordsOf({ location, text }: Reply, problem: Problem | undefined): string {
  if (location !== undefined) return ` (moved to ${location.slice(0, MAX_WORDS)})`;
  const words = typeof problem?.detail === 'string' ? problem.detail : text.replace(/\s+/g, ' ').trim();
  return words === '' ? '' : `: ${words.slice(0, MAX_WORDS)}`;
}

/** The events that the answer names, each once. */
function refusalsIn({ errors }: Problem, count: number): Refusal[] {
  const refusals = new Map<number, Refusal>();
  for (const mistake of Array.isArray(errors) ? (errors as unknown[]) : []) {
    const { index, message } = (mistake ?? {}) as { readonly index?: unknown; readonly message?: unknown };
    if (typeof index !== 'number' || !Number.isInteger(index) || index < 0 || index >= count) continue;
    const reason = String(message);
    const before = refusals.get(index);
    refusals.set(index, { index, reason: before === undefined ? reason : `${before.reason}; ${reason}` });
  }
  return [...refusals.values()];
}
