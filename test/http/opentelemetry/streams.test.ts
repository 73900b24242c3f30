import { expect } from 'chai';
import { Attributes, type Pair } from '../../../lib/http/opentelemetry/attributes.js';
import { Streams } from '../../../lib/http/opentelemetry/streams.js';

const RESOURCE = new Attributes([['service.name', 'shop']]);
const OWN = new Attributes([['shop', 'a']]);

describe('The streams of metrics', () => {
  const streamOf = (streams: Streams, attributes: Attributes) =>
    streams.metricOf(RESOURCE, 'scope', 'orders').part('').streamOf(attributes);

  it('are found again by their attributes', () => {
    const streams = new Streams({ resourceTags: [], tags: null });
    expect(streamOf(streams, OWN)).to.equal(streamOf(streams, OWN));
    expect(streamOf(streams, new Attributes([['shop', 'a']])).id).to.equal(streamOf(streams, OWN).id);
    expect(streamOf(streams, new Attributes([['shop', 'b']])).id).not.to.equal(streamOf(streams, OWN).id);
  });

  it('are made anew, and are the same, where there were too many meanwhile', () => {
    const streams = new Streams({ resourceTags: [], tags: null });
    const before = streamOf(streams, OWN);
    const long = 'x'.repeat(100);
    let made = 0;
    while (streamOf(streams, OWN) === before) {
      const pairs = Array.from({ length: 16 }, (_, index): Pair => [`key-${index}`, `${long}${made}`]);
      streamOf(streams, new Attributes(pairs));
      expect(++made).to.be.below(200_000);
    }
    expect(made).to.be.above(1000);
    const after = streamOf(streams, OWN);
    expect([after.id, after.series, after.stateSeries]).to.deep.equal([before.id, before.series, before.stateSeries]);
  });
});
