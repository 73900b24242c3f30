import { setTimeout as sleep } from 'node:timers/promises';
import { OTLPMetricExporter as JsonExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPMetricExporter as ProtobufExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  AggregationType,
  InstrumentType,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { expect } from 'chai';
import { CREDENTIALS, ServiceProcess } from '../servers/service.js';
import { killAndRestart } from './kills.js';
import { storedIn, sums } from './stored.js';

const EXPORTERS = { JSON: JsonExporter, 'Protocol Buffers': ProtobufExporter };

describe('the OpenTelemetry SDK for JavaScript', () => {
  let service: ServiceProcess;
  before(async () => {
    service = await ServiceProcess.start();
  });
  after(() => service.stop());

  for (const [encoding, Exporter] of Object.entries(EXPORTERS)) {
    for (const temporality of ['CUMULATIVE', 'DELTA'] as const) {
      const kills = temporality === 'CUMULATIVE' ? 2 : 0;
      it(`sends ${temporality.toLowerCase()} metrics in ${encoding}, and all of them are there${kills > 0 ? ', once, though the service is killed' : ''}`, async function () {
        this.timeout(120_000);
        const namespace = `${encoding} ${temporality}`;
        const exporter = new Exporter({
          url: `${service.url}/v1/metrics`,
          headers: { Authorization: CREDENTIALS },
          temporalityPreference: AggregationTemporality[temporality],
        });
        const provider = new MeterProvider({
          resource: resourceFromAttributes({ 'service.name': namespace, 'service.instance.id': 'one' }),
          readers: [
            new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 150, exportTimeoutMillis: 140 }),
          ],
          views: [
            {
              instrumentName: 'sizes',
              instrumentType: InstrumentType.HISTOGRAM,
              aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM },
            },
          ],
        });
        const meter = provider.getMeter('test');
        const orders = meter.createCounter('orders');
        const level = meter.createUpDownCounter('level');
        const durations = meter.createHistogram('durations', { advice: { explicitBucketBoundaries: [1, 10] } });
        const sizes = meter.createHistogram('sizes');
        const temperature = meter.createGauge('temperature');
        let total = 0;
        const killed = killAndRestart(service, { times: kills, alive: 400, dead: 200 });
        for (let round = 1; round <= 40; round++) {
          for (const shop of ['a', 'b']) orders.add(round, { shop });
          level.add(round % 2 === 0 ? -1 : 2);
          durations.record(round % 20);
          sizes.record(round * 100);
          temperature.record(round);
          total += round;
          await sleep(50);
        }
        await killed;
        await provider.forceFlush();
        await provider.shutdown();
        const stored = await storedIn(service, namespace);
        expect(sums(stored, 'orders', 'shop', 'service.instance.id')).to.deep.equal({ 'a one': total, 'b one': total });
        expect(sums(stored, 'durations.count')).to.deep.equal({ '': 40 });
        expect(sums(stored, 'durations.sum')).to.deep.equal({ '': 380 });
        expect(sums(stored, 'durations.bucket', 'le')).to.deep.equal({ 1: 4, 10: 18, '+Inf': 18 });
        expect(sums(stored, 'sizes.sum')).to.deep.equal({ '': total * 100 });
        expect(sums(stored, 'sizes.bucket', 'le')).to.deep.equal({
          128: 1,
          256: 1,
          512: 3,
          1024: 5,
          2048: 10,
          4096: 20,
        });
        expect(stored.filter(({ name }) => name === 'temperature').at(-1)?.value).to.equal(40);
        if (temporality === 'CUMULATIVE')
          expect(stored.filter(({ name }) => name === 'level').at(-1)?.value).to.equal(20);
      });
    }
  }
});
