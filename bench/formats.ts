import path from 'node:path';
import { compressSync } from 'snappy';
import { type ExportRequest, toProtobuf } from '../test/http/opentelemetry/encoding.js';
import { version1 } from '../test/http/remote-write/encoding.js';
import { temporaryFolder } from '../test/servers/lifetime.js';
import { freePort, ServerProcess } from '../test/servers/process.js';
import { findOnPath } from '../test/servers/program.js';
import { ServiceProcess } from '../test/servers/service.js';
import { median, processorPressure } from './wrk.js';

/**
 * Samples a second in requests of some thousand, on a few connections: remote write beside VictoriaMetrics, which takes the
 * same bytes, and OTLP, cumulative and not, beside remote write. What the service answers is durable; VictoriaMetrics
 * keeps what is new in memory for a second. Pairs alternate, and each ratio is the median over the pairs.
 */
const PAIRS = Number(process.env.PAIRS ?? 5);
const REQUESTS = Number(process.env.REQUESTS ?? 60);
const CONNECTIONS = 4;
const SERIES = 5000;

interface Format {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The values of all series at a time. */
  readonly body: (milliseconds: number) => Uint8Array;
}

const SERIES_NUMBERS = Array.from({ length: SERIES }, (_, index) => index);

const remoteWrite: Format = {
  path: '/api/v1/write',
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
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

let clock = Date.now() - 86_400_000;

/** @returns samples a second */
async function send(format: Format, targets: readonly Target[]): Promise<number[]> {
  // Made beforehand, and the same for each target.
  const bodies = Array.from({ length: REQUESTS }, () => format.body((clock += 1000)));
  const rates: number[] = [];
  for (const { url, headers } of targets) {
    const waiting = [...bodies];
    const begun = performance.now();
    const senders = Array.from({ length: CONNECTIONS }, async () => {
      for (let body = waiting.shift(); body !== undefined; body = waiting.shift()) {
        const response = await fetch(url + format.path, {
          method: 'POST',
          headers: { ...format.headers, ...headers },
          body: new Uint8Array(body),
        });
        if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
        await response.arrayBuffer();
      }
    });
    await Promise.all(senders);
    rates.push((REQUESTS * SERIES) / ((performance.now() - begun) / 1000));
  }
  return rates;
}

async function victoriaMetrics(): Promise<Target> {
  const program = findOnPath('victoria-metrics');
  if (program === undefined) {
    throw new Error('There is no victoria-metrics here. On Debian: apt-get install victoria-metrics.');
  }
  const folder = temporaryFolder('victoria-metrics');
  const url = `http://127.0.0.1:${await freePort()}`;
  const server = ServerProcess.spawn(
    program,
    [`-storageDataPath=${path.join(folder, 'data')}`, `-httpListenAddr=${url.slice('http://'.length)}`],
    path.join(folder, 'victoria-metrics.log'),
  );
  await server.ready(async () => {
    if (!(await fetch(`${url}/health`)).ok) throw new Error('Not ready.');
  });
  return { url, headers: {} };
}

const service = await ServiceProcess.start();
const ours: Target = { url: service.url, headers: { Authorization: `Bearer ${await service.token()}` } };
const peer = await victoriaMetrics();
await send(remoteWrite, [ours, peer]);
const pairs: number[][] = [];
for (let pair = 0; pair < PAIRS; pair++) pairs.push(await send(remoteWrite, [ours, peer]));
const [own, theirs] = [0, 1].map((side) => median(pairs.map((pair) => pair[side] ?? 0)));
const ratio = median(pairs.map(([one = 0, other = 1]) => one / other));
console.log(
  `remote write: ${ratio.toFixed(2)} of VictoriaMetrics (${own?.toFixed(0)} beside ${theirs?.toFixed(0)} samples/s; cpu pressure ${processorPressure()} %)`,
);
for (const [name, format] of Object.entries({ gauges: otlp(false), 'cumulative sums': otlp(true) })) {
  await send(format, [ours]);
  const rates: number[] = [];
  for (let pair = 0; pair < PAIRS; pair++) rates.push(...(await send(format, [ours])));
  console.log(`OTLP, ${name}: ${median(rates).toFixed(0)} data points/s; cpu pressure ${processorPressure()} %`);
}
process.exit();
