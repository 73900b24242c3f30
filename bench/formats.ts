import { compressSync } from 'snappy';
import { type ExportRequest, toProtobuf } from '../test/http/opentelemetry/encoding.js';
import { version1 } from '../test/http/remote-write/encoding.js';
import { ServiceProcess } from '../test/servers/service.js';
import { startVictoriaMetrics } from '../test/servers/victoria-metrics.js';
import { processorSeconds } from './processor-time.js';
import { median, processorPressure } from './wrk.js';

/**
 * Samples a second in requests of some thousand, on a few connections, beside VictoriaMetrics, which takes the same
 * bytes: remote write, and OTLP in Protocol Buffers. What the service answers is on disk, and of cumulative sums it also
 * makes increases; VictoriaMetrics keeps what is new in memory for some seconds, and sums as they come. Pairs alternate,
 * and each ratio is the median over the pairs.
 */
const PAIRS = Number(process.env.PAIRS ?? 5);
const REQUESTS = Number(process.env.REQUESTS ?? 60);
const CONNECTIONS = Number(process.env.CONNECTIONS ?? 4);
const SERIES = 5000;

interface Format {
  readonly path: string;
  /** Where VictoriaMetrics takes it. */
  readonly peerPath: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The values of all series at a time. */
  readonly body: (milliseconds: number) => Uint8Array;
}

const SERIES_NUMBERS = Array.from({ length: SERIES }, (_, index) => index);

const remoteWrite: Format = {
  path: '/api/v1/write',
  peerPath: '/api/v1/write',
  headers: { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' },
  body: (milliseconds) =>
    compressSync(
      version1(
        SERIES_NUMBERS.map((nth) => ({
          labels: [
            ['__name__', `metric_${nth % 50}_total`],
            ['instance', `web-${Math.floor(nth / 50) % 10}:9100`],
            ['job', 'node'],
            ['mode', `mode-${Math.floor(nth / 500)}`],
          ],
          samples: [[milliseconds, nth + milliseconds / 1000]],
        })),
      ),
    ),
};

function otlp(cumulative: boolean): Format {
  return {
    path: '/v1/metrics',
    peerPath: '/opentelemetry/v1/metrics',
    headers: { 'content-type': 'application/x-protobuf' },
    body: (milliseconds) => toProtobuf(exportOf(milliseconds, cumulative)),
  };
}

function exportOf(milliseconds: number, cumulative: boolean): ExportRequest {
  const metrics = Array.from({ length: 50 }, (_, metric) => {
    const dataPoints = Array.from({ length: SERIES / 50 }, (_, nth) => ({
      attributes: [
        { key: 'instance', value: { stringValue: `web-${nth % 10}:9100` } },
        { key: 'mode', value: { stringValue: `mode-${Math.floor(nth / 10)}` } },
      ],
      startTimeUnixNano: '1700000000000000000',
      timeUnixNano: `${milliseconds}000000`,
      asDouble: nth + milliseconds / 1000,
    }));
    const sum = { aggregationTemporality: 2, isMonotonic: true, dataPoints };
    return { name: `metric.${metric}`, ...(cumulative ? { sum } : { gauge: { dataPoints } }) };
  });
  const attributes = [{ key: 'service.name', value: { stringValue: cumulative ? 'counts' : 'gauges' } }];
  return { resourceMetrics: [{ resource: { attributes }, scopeMetrics: [{ scope: { name: 'bench' }, metrics }] }] };
}

interface Target {
  readonly urlOf: (format: Format) => string;
  readonly headers: Readonly<Record<string, string>>;
  readonly pid: number | undefined;
}

let clock = Date.now() - 86_400_000;

/** What one round came to. */
interface Round {
  /** Samples a second. */
  readonly rate: number;
  /** Microseconds of processor time a sample. */
  readonly cost: number;
}

/** Sends the same requests to each target. */
async function send(format: Format, targets: readonly Target[]): Promise<Round[]> {
  const bodies = Array.from({ length: REQUESTS }, () => format.body((clock += 1000)));
  const rounds: Round[] = [];
  for (const { urlOf, headers, pid = 0 } of targets) {
    const waiting = bodies.values();
    const spentBefore = processorSeconds(pid);
    const begun = performance.now();
    const senders = Array.from({ length: CONNECTIONS }, async () => {
      for (const body of waiting) {
        const response = await fetch(urlOf(format), {
          method: 'POST',
          headers: { ...format.headers, ...headers },
          body: new Uint8Array(body),
        });
        if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
        await response.arrayBuffer();
      }
    });
    await Promise.all(senders);
    const samples = REQUESTS * SERIES;
    const rate = samples / ((performance.now() - begun) / 1000);
    rounds.push({ rate, cost: ((processorSeconds(pid) - spentBefore) * 1e6) / samples });
  }
  return rounds;
}

const service = await ServiceProcess.start();
const ours: Target = {
  urlOf: ({ path }) => service.url + path,
  headers: { Authorization: `Bearer ${await service.token()}` },
  pid: service.pid,
};
const victoriaMetrics = await startVictoriaMetrics();
const peer: Target = {
  urlOf: ({ peerPath }) => victoriaMetrics.url + peerPath,
  headers: {},
  pid: victoriaMetrics.pid,
};

const FORMATS = { 'remote write': remoteWrite, 'OTLP gauges': otlp(false), 'OTLP cumulative sums': otlp(true) };
for (const [name, format] of Object.entries(FORMATS)) {
  await send(format, [ours, peer]);
  const own: Round[] = [];
  const theirs: Round[] = [];
  for (let pair = 0; pair < PAIRS; pair++) {
    const [one, other] = await send(format, [ours, peer]);
    if (one !== undefined) own.push(one);
    if (other !== undefined) theirs.push(other);
  }
  const ratio = median(own.map(({ rate }, pair) => rate / (theirs[pair]?.rate ?? Number.NaN)));
  const words = [own, theirs].map(
    (rounds) =>
      `${median(rounds.map(({ rate }) => rate)).toFixed(0)}/s at ${median(rounds.map(({ cost }) => cost)).toFixed(2)} µs of processor time`,
  );
  console.log(
    `${name}: ${ratio.toFixed(2)} of VictoriaMetrics (${words.join(', beside ')} a sample; cpu pressure ${processorPressure()} %)`,
  );
}
process.exit();
