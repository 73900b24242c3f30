import Joi from 'joi';
import { matchesPattern } from './access.js';
import { TrackingError, messageOf } from './errors.js';
import { type ExpiredCount, type Rule, countExpired } from './expired.js';
import type { Registry, Retention } from './registry.js';
import type { Store } from './store.js';
import { now } from './time.js';

const DURATION = /^([1-9]\d{0,5})(h|d|w|mo|y)$/;
const HOUR = 3600;
const DAY = 24 * HOUR;
// The longest that a month and a year can be, so that nothing goes before its time.
const UNITS: Readonly<Record<string, number>> = { h: HOUR, d: DAY, w: 7 * DAY, mo: 31 * DAY, y: 366 * DAY };
const LONGEST = 1000 * 366 * DAY;

/**
 * Reads how long something is kept, in seconds: `12h`, `90d`, `8w`, `18mo`, `5y`.
 * @throws TrackingError `invalid`, saying what would be right
 */
export function readDuration(text: string): number {
  const [, count, unit = ''] = DURATION.exec(text) ?? [];
  const seconds = Number(count) * (UNITS[unit] ?? Number.NaN);
  if (seconds <= LONGEST) return seconds;
  throw new TrackingError(
    'invalid',
    `must be a number of hours, days, weeks, months (of 31 days) or years (of 366), at most 1000y: 12h, 90d, 8w, 18mo, 5y; not "${text}"`,
  );
}

/** Seconds as people set them: whole days, or hours. */
export function formatDuration(seconds: number): string {
  return seconds % DAY === 0 ? `${seconds / DAY}d` : `${seconds / HOUR}h`;
}

/**
 * How long the events of a namespace are kept, in seconds; undefined for ever. Of the patterns that stand for it the most
 * specific one counts: the namespace itself before any with `*`, then the longest, then the one that keeps for longer.
 * @param otherwise - where no pattern does
 */
export function retentionOf(
  namespace: string,
  retentions: readonly Retention[],
  otherwise: number | undefined,
): number | undefined {
  return decisive(namespace, retentions)?.seconds ?? otherwise;
}

/** The one that counts for a namespace. */
function decisive(namespace: string, retentions: readonly Retention[]): Retention | undefined {
  const [first] = retentions
    .filter(({ namespaces }) => matchesPattern(namespaces, namespace))
    .sort(
      (one, other) =>
        Number(other.namespaces === namespace) - Number(one.namespaces === namespace) ||
        other.namespaces.length - one.namespaces.length ||
        other.seconds - one.seconds,
    );
  return first;
}

/** A retention as it is shown. */
export interface ListedRetention {
  /** A pattern, or `*` for all that no pattern stands for. */
  readonly namespaces: string;
  readonly duration: string;
  /** Whether it comes from the settings. */
  readonly setting: boolean;
}

/** What came of setting a retention, or would. */
export interface SetRetention extends Retention {
  /** The events that are older and go now; or why they could not be counted. */
  readonly older: ExpiredCount | { readonly uncounted: string };
}

export interface RetentionsOptions {
  readonly registry: Registry;
  /** Seconds that events are kept otherwise; undefined for ever. */
  readonly setting: number | undefined;
  /** Where the events are. */
  readonly store: () => Promise<Pick<Store, 'namespaces' | 'names' | 'aggregate'>>;
  /** Called after each change. */
  readonly changed?: () => void;
}

// Whoever asked waits for half a minute.
const COUNT_PATIENCE = 20_000;

const settingSchema = Joi.object<{ namespaces: string; duration: string; dryRun: boolean }>({
  namespaces: Joi.string()
    .pattern(/^[^\p{Cc}\p{Cs}]{1,128}$/u)
    .required()
    .messages({
      '*': 'the namespaces must be a name or a pattern such as Server-*, of 1 to 128 characters without control characters',
    }),
  duration: Joi.string().custom(readDuration).required().messages({
    'any.custom': 'the duration {#error.message}',
    '*': 'the duration is needed, such as 90d',
  }),
  dryRun: Joi.boolean().default(false),
})
  .required()
  .messages({ '*': 'a retention has namespaces and a duration' })
  .prefs({ abortEarly: false });

/** Sets how long events are kept, lists and removes it. */
export class Retentions {
  constructor(private readonly options: RetentionsOptions) {}

  /**
   * Counts what is older, and sets the retention unless it is a dry run. A store that cannot count holds nothing up but
   * the dry run.
   * @param input - namespaces, a duration and perhaps `dryRun`, checked here
   * @throws TrackingError `invalid` with every mistake
   */
  async set(input: unknown): Promise<SetRetention> {
    const result = settingSchema.validate(input);
    if (result.error !== undefined) {
      const words = result.error.details.map(({ message }) => message).join('; ');
      throw new TrackingError('invalid', `Nothing was set: ${words}.`);
    }
    const checked = result.value as unknown as { namespaces: string; duration: number; dryRun: boolean };
    const retention: Retention = { namespaces: checked.namespaces, seconds: checked.duration };
    if (checked.dryRun) return { ...retention, older: await this.countOlder(retention) };
    const older = await this.countOlder(retention).catch((error: unknown) => ({ uncounted: messageOf(error) }));
    await this.options.registry.setRetention(retention);
    this.options.changed?.();
    return { ...retention, older };
  }

  async list(): Promise<ListedRetention[]> {
    const listed = (await this.options.registry.retentions()).map(({ namespaces, seconds }) => ({
      namespaces,
      duration: formatDuration(seconds),
      setting: false,
    }));
    const { setting } = this.options;
    if (setting === undefined) return listed;
    return [...listed, { namespaces: '*', duration: formatDuration(setting), setting: true }];
  }

  /** @throws TrackingError `not-found` where there is none for exactly this pattern */
  async remove(namespaces: unknown): Promise<void> {
    if (typeof namespaces !== 'string') throw new TrackingError('invalid', 'The namespaces are needed.');
    const removed = await this.options.registry.removeRetention(namespaces);
    if (!removed) throw new TrackingError('not-found', `There is no retention for ${namespaces}.`);
    this.options.changed?.();
  }

  /** How long the events of a namespace are kept now, in seconds; undefined for ever. */
  async rule(): Promise<Rule> {
    const retentions = await this.options.registry.retentions();
    return (namespace) => retentionOf(namespace, retentions, this.options.setting);
  }

  /** Among the namespaces for which a retention would count. */
  private async countOlder(retention: Retention): Promise<ExpiredCount> {
    const others = (await this.options.registry.retentions()).filter((one) => one.namespaces !== retention.namespaces);
    const kept: Rule = (namespace) =>
      decisive(namespace, [...others, retention]) === retention ? retention.seconds : undefined;
    return countExpired(await this.options.store(), kept, now(), COUNT_PATIENCE);
  }

  /** The same for the command line, by name. */
  commands(): Record<string, (argument: unknown) => Promise<unknown>> {
    return {
      'retention set': (argument) => this.set(argument),
      'retention list': () => this.list(),
      'retention remove': (argument) => this.remove(argument),
    };
  }
}
