import { identityOfId, type Point, SAMPLE, type Series, seriesOf } from './event.js';
import { MILLISECOND } from './time.js';

/** What figures to make up. */
export interface SampleOptions {
  /** Full minutes since 1970: the first one, and the first that is too late. */
  readonly from: number;
  readonly to: number;
  /** How many servers, `Server-1` and so on. */
  readonly hosts: number;
  /** Other figures for another seed, and the same for the same one. */
  readonly seed: number;
}

const MINUTES_A_DAY = 1440;
const MILLISECONDS_A_MINUTE = 60_000;
const GIBIBYTE = 2 ** 30;
const MEMORY = 16 * GIBIBYTE;

/** Which pages people look at, the likelier first, and the button that there is on each. */
const PAGES = [
  { page: '/', button: 'search' },
  { page: '/products', button: 'addToCart' },
  { page: '/cart', button: 'checkout' },
  { page: '/checkout', button: 'pay' },
  { page: '/about', button: 'contact' },
] as const;
const COUNTRIES = ['DE', 'FR', 'US', 'JP', 'BR'] as const;

/** On an ordinary Tuesday at noon. */
const VIEWS_A_MINUTE = 9;
const CLICKS_A_VIEW = 0.18;

/**
 * Figures as a small shop would send them, minute by minute: CPU, memory and network of its servers, page views, button
 * clicks and response times of its pages; with days and nights, weekends, and now and then an incident.
 *
 * What happens in a minute depends on the seed and that minute alone: made again, also over a longer range, the events
 * are the same ones, and count once.
 */
export function* sampleMinutes({ from, to, hosts, seed }: SampleOptions): Generator<Point[]> {
  const servers = Array.from({ length: hosts }, (_, index) => new Server(index + 1, seed));
  const shop = new Shop(seed);
  for (let minute = from; minute < to; minute++) {
    const points: Point[] = [];
    let trouble = 0;
    for (const server of servers) {
      const incident = server.incident(minute);
      trouble = Math.max(trouble, incident);
      server.measure(minute, incident, points);
    }
    shop.visit(minute, trouble, points);
    yield points;
  }
}

class Server {
  private readonly cpu: Series;
  private readonly memory: Series;
  private readonly network: Series;
  private readonly seed: number;

  constructor(number: number, seed: number) {
    const namespace = `Server-${number}`;
    const tags = { host: `web-${number}` };
    this.cpu = seriesOf(namespace, 'cpuUtilization', tags);
    this.memory = seriesOf(namespace, 'availableMemory', tags);
    this.network = seriesOf(namespace, 'networkSentBytes', tags);
    this.seed = mixed(seed, number);
  }

  /** From 0 (all is well) to 1 (nothing works). One day in nine has an incident, of half an hour to three hours. */
  incident(minute: number): number {
    const day = Math.floor(minute / MINUTES_A_DAY);
    for (const candidate of [day - 1, day]) {
      const random = randoms(mixed(this.seed, 7, candidate));
      if (random() > 1 / 9) continue;
      const start = candidate * MINUTES_A_DAY + Math.floor(random() * MINUTES_A_DAY);
      const length = 30 + random() * 150;
      const severity = 0.5 + random() / 2;
      const through = (minute - start) / length;
      if (through >= 0 && through < 1) return severity * Math.min(1, 6 * through, 3 * (1 - through));
    }
    return 0;
  }

  measure(minute: number, incident: number, points: Point[]): void {
    const random = randoms(mixed(this.seed, 11, minute));
    const load = 0.15 + 0.55 * liveliness(minute) + 0.12 * smooth(this.seed, minute, 90) + 0.05 * (random() - 0.5);
    const busy = Math.min(0.995, Math.max(0.01, load + incident * (0.97 - load)));
    // It leaks for a week, and is restarted in the night from Sunday to Monday.
    const leak = ((minute + 4 * MINUTES_A_DAY) % (7 * MINUTES_A_DAY)) / (7 * MINUTES_A_DAY);
    const used = 0.3 + 0.25 * leak + 0.2 * busy + 0.05 * smooth(this.seed + 1, minute, 240) + 0.2 * incident;
    const free = MEMORY * (1 - Math.min(0.99, used));
    const time = BigInt(minute * MILLISECONDS_A_MINUTE) * MILLISECOND;
    points.push(
      { series: this.cpu, time, value: rounded(100 * busy, 2), identity: SAMPLE },
      { series: this.memory, time, value: Math.round(free), identity: SAMPLE },
      {
        series: this.network,
        time,
        value: Math.round((1 - incident) * busy * 4e6 * (0.9 + 0.2 * random())),
        identity: SAMPLE,
      },
    );
  }
}

class Shop {
  private readonly series = new Map<string, Series>();

  constructor(private readonly seed: number) {}

  visit(minute: number, trouble: number, points: Point[]): void {
    const random = randoms(mixed(this.seed, 13, minute));
    const expected =
      VIEWS_A_MINUTE * liveliness(minute) * (1 + 0.3 * smooth(this.seed, minute, 360)) * (1 - 0.8 * trouble);
    const views = occurrences(expected, random);
    for (let index = 0; index < views; index++) {
      const at = BigInt(minute * MILLISECONDS_A_MINUTE + Math.floor(random() * MILLISECONDS_A_MINUTE)) * MILLISECOND;
      const { page, button } = pick(PAGES, random);
      const country = pick(COUNTRIES, random);
      const add = (name: string, value: number, tags: Readonly<Record<string, string>>, time: bigint): void => {
        const identity = identityOfId(`sample ${this.seed} ${minute} ${index} ${name}`, time);
        points.push({ series: this.of(name, tags), time, value, identity });
      };
      add('pageView', 1, { page, country }, at);
      // Most answers are quick, a few are not, and with servers in trouble none is.
      const milliseconds = 40 * Math.exp(0.6 * normal(random)) * (1 + 12 * trouble);
      add('responseTime', rounded(milliseconds, 1), { page }, at);
      if (random() < CLICKS_A_VIEW) {
        add('buttonClick', 1, { page, button }, at + BigInt(1 + Math.floor(random() * 20_000)) * MILLISECOND);
      }
    }
  }

  private of(name: string, tags: Readonly<Record<string, string>>): Series {
    const key = `${name} ${Object.values(tags).join(' ')}`;
    let series = this.series.get(key);
    if (series === undefined) this.series.set(key, (series = seriesOf('Frontend', name, tags)));
    return series;
  }
}

/** How much is going on, from 0 to 1: little at night, most at noon and in the evening, and half at weekends. In UTC. */
function liveliness(minute: number): number {
  const hour = (minute / 60) % 24;
  const day = 0.55 - 0.45 * Math.cos(((hour - 3) / 24) * 2 * Math.PI) + 0.12 * Math.exp(-((hour - 20) ** 2) / 4);
  const weekday = (Math.floor(minute / MINUTES_A_DAY) + 3) % 7; // 1970-01-01 was a Thursday; 0 is Monday
  return Math.min(1, day) * (weekday >= 5 ? 0.55 : 1);
}

/** A wave without a period, from -1 to 1, that turns every so many minutes. */
function smooth(seed: number, minute: number, period: number): number {
  const place = Math.floor(minute / period);
  const part = (minute / period) % 1;
  const [before, after] = [place, place + 1].map((at) => 2 * randoms(mixed(seed, 17, period, at))() - 1);
  const weight = part * part * (3 - 2 * part);
  return (before ?? 0) * (1 - weight) + (after ?? 0) * weight;
}

/** How often something happens that is expected so often (Poisson; Knuth, TAOCP 3.4.1). */
function occurrences(expected: number, random: () => number): number {
  const limit = Math.exp(-expected);
  let count = 0;
  for (let product = random(); product > limit; product *= random()) count++;
  return count;
}

/** Standard normal (Box and Muller). */
function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** The first ones are likelier. */
function pick<Item>(items: readonly Item[], random: () => number): Item {
  return items[Math.floor(random() ** 2 * items.length)] as Item;
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

/** One number out of several (the finalizer of MurmurHash3, a public domain algorithm by Austin Appleby). */
function mixed(...numbers: readonly number[]): number {
  let hash = 0x9747b28c;
  for (const number of numbers) {
    hash = Math.imul(hash ^ number, 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    hash ^= hash >>> 16;
  }
  return hash;
}

/** Numbers from 0 up to 1 (Mulberry32, a public domain generator by Tommy Ettinger). */
function randoms(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mix = Math.imul(state ^ (state >>> 15), 1 | state);
    mix = (mix + Math.imul(mix ^ (mix >>> 7), 61 | mix)) ^ mix;
    return ((mix ^ (mix >>> 14)) >>> 0) / 2 ** 32;
  };
}
