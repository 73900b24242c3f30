import { type SentSeries, version1, version2 } from '../remote-write/encoding.js';
import { brokenProtobuf, largeProtobuf } from './protobuf.js';
import { type HostileFormat, mostly, sent } from './request.js';

const PATH = '/api/v1/write';

function seriesOf(instance: string): SentSeries {
  return {
    labels: [
      ['__name__', 'up'],
      ['job', 'hostile'],
      ['instance', instance],
    ],
    samples: [
      [1000, 1],
      [2000, 2],
    ],
  };
}

const SERIES = [seriesOf('a')];

/** What Prometheus sends at once. */
const ORDINARY = Array.from({ length: 1000 }, (_, index) => seriesOf(`web-${index}`));

function format(
  name: string,
  type: string,
  message: (series: readonly SentSeries[]) => Uint8Array,
  outermost: number,
  paths: readonly (readonly number[])[],
): HostileFormat {
  const headers = { 'content-type': type };
  return {
    name,
    ordinary: [SERIES, ORDINARY].map((series) => ({ path: PATH, headers, body: message(series) })),
    hostile: sent(mostly(brokenProtobuf(message(SERIES), outermost), largeProtobuf(paths)), 'snappy', {
      path: PATH,
      headers,
    }),
  };
}

export const remoteWriteFormats: readonly HostileFormat[] = [
  format('Prometheus remote write 1.0', 'application/x-protobuf', version1, 1, [
    ...[[1], [1, 1], [1, 1, 1], [1, 1, 2], [1, 2], [1, 3], [1, 4], [3], [15]],
  ]),
  format('Prometheus remote write 2.0', 'application/x-protobuf;proto=io.prometheus.write.v2.Request', version2, 5, [
    [4],
    [5],
    [5, 1],
    [5, 2],
    [5, 3],
    [5, 4],
    [5, 5],
    [15],
  ]),
];
