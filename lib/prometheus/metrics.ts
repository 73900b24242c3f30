import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import { type Collectors, METRICS, type MetricName } from '../metrics.js';
import type { Point } from '../event.js';
import type { Refusal } from '../store.js';
import { RequestDurations } from './request-durations.js';

type Write = (points: readonly Point[]) => Promise<readonly Refusal[]>;

const REQUESTS = 'tracking_http_request_duration_seconds';

/** Milliseconds for whoever has to ask others for a value. */
const PATIENCE = 2000;

/** The metrics of one service, for Prometheus. */
export class Metrics {
  readonly contentType = Registry.PROMETHEUS_CONTENT_TYPE;
  private readonly registry = new Registry();
  private readonly requests = new RequestDurations();
  private readonly refusals = new Counter({
    ...described('tracking_http_refusals_total', this.registry),
    labelNames: ['code'],
  });
  private readonly writeSeconds = new Histogram({
    ...described('tracking_write_duration_seconds', this.registry),
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  });
  private readonly writeEvents = new Histogram({
    ...described('tracking_write_events', this.registry),
    buckets: [1, 3, 10, 30, 100, 300, 1000, 3000, 10_000, 30_000],
  });
  private readonly writeFailures = new Counter(described('tracking_write_failures_total', this.registry));

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }

  /** Adds metrics whose values are asked for when they are needed; where one is not to be had, the last known one stays. */
  collect(collectors: Collectors): void {
    for (const [key, collector] of Object.entries(collectors)) {
      const name = key as MetricName;
      let known = false;
      const configuration = {
        ...described(name, this.registry),
        async collect(this: Gauge | Counter): Promise<void> {
          const value = await inTime(collector);
          if (value !== undefined) {
            known = true;
            this.reset();
            this.inc(value);
          } else if (!known) this.remove();
        },
      };
      if (METRICS[name].type === 'counter') new Counter(configuration);
      else new Gauge(configuration);
    }
  }

  /** Counts a request that is over. @param refusal - the code of the error that ended it */
  request(route: string, method: string, status: number, seconds: number, refusal: string | undefined): void {
    this.requests.observe(route, method, status, seconds);
    if (refusal !== undefined) this.refusals.inc({ code: refusal });
  }

  /** A write that counts and times itself. */
  measured(write: Write): Write {
    return (points) => {
      this.writeEvents.observe(points.length);
      const end = this.writeSeconds.startTimer();
      return this.countingFailures(write(points)).finally(end);
    };
  }

  /** What the work comes to; where it fails, that is counted as a write that failed. */
  async countingFailures<Result>(work: Promise<Result>): Promise<Result> {
    try {
      return await work;
    } catch (error) {
      this.writeFailures.inc();
      throw error;
    }
  }

  /** All of them, in the text format of Prometheus. */
  async text(): Promise<string> {
    const { help, type } = METRICS[REQUESTS];
    const requests = [`# HELP ${REQUESTS} ${help}`, `# TYPE ${REQUESTS} ${type}`, ...this.requests.lines(REQUESTS)];
    return `${await this.registry.metrics()}\n${requests.join('\n')}\n`;
  }
}

function described<Name extends MetricName>(
  name: Name,
  registry: Registry,
): { name: Name; help: string; registers: [Registry] } {
  return { name, help: METRICS[name].help, registers: [registry] };
}

/** A value, or nothing where it is not to be had: the others are wanted all the same. */
async function inTime(collector: () => number | Promise<number>): Promise<number | undefined> {
  let timer;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, PATIENCE, undefined);
  });
  try {
    return await Promise.race([collector(), late]);
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}
