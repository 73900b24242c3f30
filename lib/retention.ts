import Joi from 'joi';
import { matchesPattern } from './access.js';
import { TrackingError } from './errors.js';
import type { Registry, Retention } from './registry.js';

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
  const [first] = retentions
    .filter(({ namespaces }) => matchesPattern(namespaces, namespace))
    .sort(
      (one, other) =>
        Number(other.namespaces === namespace) - Number(one.namespaces === namespace) ||
        other.namespaces.length - one.namespaces.length ||
        other.seconds - one.seconds,
    );
  return first?.seconds ?? otherwise;
}

/** A retention as it is shown. */
export interface ListedRetention {
  /** A pattern, or `*` for all that no pattern stands for. */
  readonly namespaces: string;
  readonly duration: string;
  /** Whether it comes from the settings. */
  readonly setting: boolean;
}

const settingSchema = Joi.object<{ namespaces: string; duration: string }>({
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
})
  .required()
  .messages({ '*': 'a retention has namespaces and a duration' })
  .prefs({ abortEarly: false });

/** Sets how long events are kept, lists and removes it. */
export class Retentions {
  /**
   * @param setting - seconds that events are kept otherwise; undefined for ever
   * @param changed - called after each change
   */
  constructor(
    private readonly registry: Registry,
    private readonly setting: number | undefined,
    private readonly changed: () => void = () => undefined,
  ) {}

  /**
   * @param input - namespaces and a duration, checked here
   * @throws TrackingError `invalid` with every mistake
   */
  async set(input: unknown): Promise<Retention> {
    const result = settingSchema.validate(input);
    if (result.error !== undefined) {
      const words = result.error.details.map(({ message }) => message).join('; ');
      throw new TrackingError('invalid', `Nothing was set: ${words}.`);
    }
    const { namespaces, duration } = result.value as unknown as { namespaces: string; duration: number };
    const retention: Retention = { namespaces, seconds: duration };
    await this.registry.setRetention(retention);
    this.changed();
    return retention;
  }

  async list(): Promise<ListedRetention[]> {
    const listed = (await this.registry.retentions()).map(({ namespaces, seconds }) => ({
      namespaces,
      duration: formatDuration(seconds),
      setting: false,
    }));
    if (this.setting === undefined) return listed;
    return [...listed, { namespaces: '*', duration: formatDuration(this.setting), setting: true }];
  }

  /** @throws TrackingError `not-found` where there is none for exactly this pattern */
  async remove(namespaces: unknown): Promise<void> {
    if (typeof namespaces !== 'string') throw new TrackingError('invalid', 'The namespaces are needed.');
    const removed = await this.registry.removeRetention(namespaces);
    if (!removed) throw new TrackingError('not-found', `There is no retention for ${namespaces}.`);
    this.changed();
  }

  /** How long the events of a namespace are kept now, in seconds; undefined for ever. */
  async rule(): Promise<(namespace: string) => number | undefined> {
    const retentions = await this.registry.retentions();
    return (namespace) => retentionOf(namespace, retentions, this.setting);
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
