import { expect } from 'chai';
import { TrackingError } from '../../lib/errors.js';
import { readQuestion } from '../../lib/http/aggregation-query.js';
import { formatTime, parseDateTime } from '../../lib/time.js';

const NOW = parseDateTime('2024-03-31T10:00:00.123Z');

function read(query: string) {
  return readQuestion('Server-1', 'cpu', query, NOW).query;
}

/** What is wrong with a query, by parameter. */
function mistakesIn(query: string): Record<string, string> {
  try {
    read(query);
  } catch (error) {
    if (!(error instanceof TrackingError) || error.code !== 'invalid') throw error;
    return Object.fromEntries(error.mistakes.map(({ path = '', message }) => [path, message]));
  }
  throw new Error(`${query} was accepted`);
}

function tsMin(text: string, rest = ''): string | undefined {
  const { selection } = read(`tsMin=${text}${rest}`);
  return selection.tsMin === undefined ? undefined : formatTime(selection.tsMin);
}

describe('the question in an address', () => {
  it('has the defaults of the contract', () => {
    expect(read('')).to.deep.equal({
      selection: { namespace: 'Server-1', name: 'cpu', tags: {} },
      granularity: 'hour',
      aggregations: ['avg'],
      weekStart: 'monday',
      timezone: 'UTC',
      fill: 'none',
      limit: 10_000,
    });
  });

  it('has every parameter of the contract', () => {
    const query = read(
      'tsMin=0&tsMax=1&granularity=15m&aggregationType=avg,p99.9,median&weekStart=sunday&timezone=europe/berlin' +
        '&tag.host=a&tag.region=x&tag.host=b+c&groupBy=host&fill=linear&limit=7&cursor=abc',
    );
    expect(query).to.deep.equal({
      selection: {
        namespace: 'Server-1',
        name: 'cpu',
        tags: { host: ['a', 'b c'], region: ['x'] },
        tsMin: 0n,
        tsMax: 1_000_000_000n,
      },
      granularity: '15m',
      aggregations: ['avg', 'p99.9', 'median'],
      weekStart: 'sunday',
      timezone: 'Europe/Berlin',
      groupBy: 'host',
      fill: 'linear',
      limit: 7,
      cursor: 'abc',
    });
  });

  it('takes divisors of an hour and of a day, and nothing between', () => {
    for (const granularity of ['1m', '5m', '12m', '30m', '60m', '1h', '8h', '24h', 'all', 'none', 'year']) {
      expect(read(`granularity=${granularity}`).granularity).to.equal(granularity);
    }
    for (const granularity of ['7m', '0m', '05m', '61m', '120m', '5h', '48h', '1d', 'Hour', 'fortnight', '']) {
      expect(mistakesIn(`granularity=${granularity}`)).to.have.all.keys('granularity');
    }
  });

  it('takes percentiles from p1 to p99.9', () => {
    for (const type of ['p1', 'p50', 'p99', 'p99.9', 'p1.5'])
      expect(read(`aggregationType=${type}`).aggregations).to.eql([type]);
    for (const type of ['p0', 'p100', 'p0.5', 'p99.99', 'p', 'P50', 'p5.', 'mean', '', 'avg,,max', 'avg,avg']) {
      expect(mistakesIn(`aggregationType=${type}`), type).to.have.all.keys('aggregationType');
    }
  });

  it('reads times as seconds, date-times and relative to now, down to the millisecond', () => {
    expect(tsMin('1605179400')).to.equal('2020-11-12T11:10:00Z');
    expect(tsMin('1605179400.1239')).to.equal('2020-11-12T11:10:00.123Z');
    expect(tsMin('2020.0')).to.equal('1970-01-01T00:33:40Z');
    expect(tsMin('-0.0001')).to.equal('1969-12-31T23:59:59.999Z');
    expect(tsMin('2020-11-12T11:10:00')).to.equal('2020-11-12T11:10:00Z');
    expect(tsMin('2020-11-12T11:10:00%2B02:00')).to.equal('2020-11-12T09:10:00Z');
    expect(tsMin('2020-11-12T11:10:00+02:00')).to.equal('2020-11-12T09:10:00Z');
    expect(tsMin('2020-11-12+11:10:00')).to.equal('2020-11-12T11:10:00Z');
    expect(tsMin('now')).to.equal('2024-03-31T10:00:00.123Z');
    expect(tsMin('-15m')).to.equal('2024-03-31T09:45:00.123Z');
    expect(tsMin('-24h')).to.equal('2024-03-30T10:00:00.123Z');
    expect(tsMin('-2w')).to.equal('2024-03-17T10:00:00.123Z');
    expect(tsMin('-1mo')).to.equal('2024-02-29T10:00:00.123Z');
    expect(tsMin('-12mo')).to.equal('2023-03-31T10:00:00.123Z');
    expect(tsMin('-1y')).to.equal('2023-03-31T10:00:00.123Z');
  });

  it('goes back days by the local calendar, and hours by the clock', () => {
    // Berlin's clocks went forward in the night before.
    expect(tsMin('-1d', '&timezone=Europe/Berlin')).to.equal('2024-03-30T11:00:00.123Z');
    expect(tsMin('-24h', '&timezone=Europe/Berlin')).to.equal('2024-03-30T10:00:00.123Z');
  });

  it('refuses times that are none, and ranges that are empty or reversed', () => {
    for (const time of [
      'yesterday',
      '-5x',
      '2020-13-01T00:00:00Z',
      '1605179400000',
      '-9999y',
      '-9999999y',
      '1e9',
      '',
    ]) {
      expect(mistakesIn(`tsMin=${time}`), time).to.have.all.keys('tsMin');
    }
    expect(mistakesIn('tsMin=1605179400000').tsMin).to.match(/divide by 1000/);
    expect(mistakesIn('tsMax=2020').tsMax).to.equal(
      'tsMax must not be 2020 alone, which could mean the year or 1970-01-01T00:33:40Z: write 2020-01-01T00:00:00Z for the year, or 2020.0 for the UNIX second',
    );
    for (const range of ['tsMin=5&tsMax=5', 'tsMin=6&tsMax=5', 'tsMin=now&tsMax=-1d']) {
      expect(mistakesIn(range)).to.deep.equal({ tsMin: 'tsMin must be before tsMax' });
    }
  });

  it('takes IANA zones, and neither offsets nor anything else', () => {
    expect(read('timezone=utc').timezone).to.equal('UTC');
    expect(read('timezone=america/argentina/buenos_aires').timezone).to.equal('America/Argentina/Buenos_Aires');
    for (const zone of ['%2B02:00', '+02:00', '-05:00', 'Mars/Olympus', '2020-01-01T00:00Z', '']) {
      expect(mistakesIn(`timezone=${zone}`), zone).to.have.all.keys('timezone');
    }
    expect(mistakesIn('timezone=%2B02:00').timezone).to.match(/Europe\/Berlin.*offset/);
  });

  it('names all mistakes at once, and what would be right', () => {
    const mistakes = mistakesIn(
      'granuarity=day&timezone=x&tsMin=-1d&fill=zeros&limit=0&limit=1&tag._x=1&weekStart=Mon',
    );
    expect(mistakes).to.have.all.keys('granuarity', 'timezone', 'fill', 'limit', 'tag._x', 'weekStart');
    expect(mistakes.granuarity).to.match(/did you mean granularity\?\); allowed are tsMin, tsMax/);
    expect(mistakes.fill).to.match(/none, null, zero, previous, linear \(did you mean zero\?\)/);
  });

  it('refuses limits that are no whole number from 1 to 10,000,000', () => {
    for (const limit of ['0', '-1', '1.5', '1e3', '10000001', 'all', '']) {
      expect(mistakesIn(`limit=${limit}`), limit).to.have.all.keys('limit');
    }
    expect(read('limit=10000000').limit).to.equal(10_000_000);
  });

  it('refuses a parameter given twice, tags apart', () => {
    expect(mistakesIn('fill=zero&fill=zero')).to.deep.equal({ fill: 'fill may be given only once' });
  });

  it('refuses groups and filling of single events', () => {
    expect(mistakesIn('granularity=none&groupBy=host&fill=zero')).to.have.all.keys('groupBy', 'fill');
  });

  it('takes no tag key that no event can have', () => {
    for (const key of ['name', 'time', '_field', '']) {
      expect(mistakesIn(`groupBy=${key}`)).to.have.all.keys('groupBy');
      expect(mistakesIn(`tag.${key}=1`)).to.have.all.keys(`tag.${key}`);
    }
    expect(read('tag.constructor=1').selection.tags).to.have.own.property('constructor').that.deep.equals(['1']);
  });

  it('refuses what is not percent-encoded UTF-8', () => {
    for (const query of ['fill=%', 'fill=%ff', '%zz=1']) expect(() => read(query)).to.throw(TrackingError, /%25/);
  });
});
