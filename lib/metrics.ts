/** A metric as `/metrics` gives it (https://prometheus.io/docs/concepts/metric_types/). */
export interface MetricDescription {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels?: readonly string[];
}

/** All metrics of ours; beside them there are those of the process, whose names begin with `process_` or `nodejs_`. */
export const METRICS = {
  tracking_http_request_duration_seconds: {
    type: 'histogram',
    help: 'Requests and the time until they were answered',
    labels: ['route', 'method', 'status'],
  },
  tracking_http_refusals_total: {
    type: 'counter',
    help: 'Requests that were refused, by the code of the error',
    labels: ['code'],
  },
  tracking_events_accepted_total: { type: 'counter', help: 'Events that became durable' },
  tracking_events_waiting: { type: 'gauge', help: 'Events that wait for a write' },
  tracking_pending_bytes: { type: 'gauge', help: 'Bytes of requests that are being read or wait for a write' },
  tracking_strings_dropped_total: {
    type: 'counter',
    help: 'Fields of line protocol that were dropped, as they hold strings',
  },
  tracking_write_duration_seconds: {
    type: 'histogram',
    help: 'Writes, to the queue where there is one, and how long they took',
  },
  tracking_write_events: { type: 'histogram', help: 'Events of one write' },
  tracking_write_failures_total: { type: 'counter', help: 'Writes that failed, to the queue or the store' },
  tracking_events_expired_total: { type: 'counter', help: 'Events that were deleted because of their age' },
  tracking_queue_up: { type: 'gauge', help: 'Whether the queue answers: 1 or 0 (with a queue)' },
  tracking_queue_losses_total: {
    type: 'counter',
    help: 'How often the queue has lost what it had acknowledged, as far as can be known (with a queue)',
  },
  tracking_queue_events: { type: 'gauge', help: 'Events that are queued and not in the store yet (with a queue)' },
  tracking_queue_lag_seconds: { type: 'gauge', help: 'Since the oldest queued event was accepted (with a queue)' },
  tracking_dead_letters: { type: 'gauge', help: 'Events that the store will never take (with a queue)' },
} satisfies Readonly<Record<string, MetricDescription>>;

export type MetricName = keyof typeof METRICS;

/** What gives the value of a metric without labels when somebody asks; where it cannot, the last one stays. */
export type Collectors = Readonly<Partial<Record<MetricName, () => number | Promise<number>>>>;
