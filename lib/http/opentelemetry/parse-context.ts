import type { RecentlyUsed } from '../recently-used.js';
import type { Attributes } from './attributes.js';
import type { Limits } from './limits.js';

/** What is at hand while a body is read. */
export interface ParseContext {
  readonly limits: Limits;
  /** Those that were read lately, so that most data points have an object that is known. Of one encoding. */
  readonly attributes: RecentlyUsed<Attributes>;
}
