import { expect } from 'chai';
import { describeStatus } from '../../lib/agent/status.js';

describe('the status of an agent', () => {
  it('tells a terminal nothing, whatever a server has answered', () => {
    const text = describeStatus({
      ...{ running: false, pid: null, startedAt: null, url: null, lastSent: null, statsd: null },
      buffered: { events: 0, bytes: 0, oldest: null },
      totals: { sent: 0, dropped: 0, refused: 0 },
      lastError: {
        at: '2026-01-05T12:00:00.000Z',
        message: '500: \x1b]0;title\x07\x9b2J\r\nrunning yes',
        resolved: false,
      },
    });
    expect(text.split('\n')).to.have.length(8);
    expect(text.replaceAll('\n', '')).not.to.match(/\p{Cc}/u);
    expect(text).to.contain('2026-01-05T12:00:00.000Z 500:  ]0;title  2J  running yes');
  });
});
