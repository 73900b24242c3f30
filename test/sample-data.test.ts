import { expect } from 'chai';
import { identityText } from '../lib/archive.js';
import type { Point } from '../lib/event.js';
import { sampleMinutes } from '../lib/sample-data.js';

const MONDAY = Date.UTC(2026, 10, 16) / 60_000;
const DAY = 1440;

function made(days: number, { from = MONDAY, hosts = 2, seed = 1 } = {}): Point[] {
  return [...sampleMinutes({ from, to: from + days * DAY, hosts, seed })].flat();
}

function linesOf(points: readonly Point[]): string[] {
  return points.map(({ series, time, value, identity }) => [series.key, time, value, identityText(identity)].join(' '));
}

function average(points: readonly Point[], name: string, includes: (minute: number) => boolean): number {
  const values = points
    .filter(({ series, time }) => series.name === name && includes(Number(time / 60_000_000_000n)))
    .map(({ value }) => value);
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function perHour(points: readonly Point[], name: string, hour: number): number {
  return points.filter(({ series, time }) => series.name === name && Number(time / 3_600_000_000_000n) % 24 === hour)
    .length;
}

describe('Sample data', () => {
  it('are the same for the same seed, over whatever range, and others for another one', () => {
    const [two, later] = [made(2), made(1, { from: MONDAY + DAY })];
    expect(linesOf(two).slice(-later.length)).to.deep.equal(linesOf(later));
    expect(linesOf(made(1, { seed: 2 }))).not.to.deep.equal(linesOf(made(1)));
  });

  it('are each an event of its own', () => {
    const lines = made(3).map(({ series, time, identity }) => `${series.key} ${time} ${identityText(identity)}`);
    expect(new Set(lines).size).to.equal(lines.length);
  });

  it('know days and nights, and weekends', () => {
    const week = made(7);
    for (const name of ['pageView', 'buttonClick', 'responseTime']) {
      expect(perHour(week, name, 13), name).to.be.above(2 * perHour(week, name, 3));
    }
    const hour = (minute: number): number => (minute / 60) % 24;
    const night = average(week, 'cpuUtilization', (minute) => hour(minute) >= 1 && hour(minute) < 5);
    const noon = average(week, 'cpuUtilization', (minute) => hour(minute) >= 11 && hour(minute) < 15);
    const weekend = average(week, 'cpuUtilization', (minute) => minute >= MONDAY + 5 * DAY);
    const weekdays = average(week, 'cpuUtilization', (minute) => minute < MONDAY + 5 * DAY);
    expect(noon).to.be.above(night + 15);
    expect(weekdays).to.be.above(weekend + 5);
  });

  it('have a few incidents, in which everything gets slow', () => {
    const month = made(14, { hosts: 4 });
    const busy = month.filter(({ series, value }) => series.name === 'cpuUtilization' && value > 90).length;
    const measured = month.filter(({ series }) => series.name === 'cpuUtilization').length;
    expect(busy)
      .to.be.above(0)
      .and.below(measured / 20);
    const slow = month.filter(({ series, value }) => series.name === 'responseTime' && value > 500).length;
    expect(slow).to.be.above(0);
  });

  it('are figures that can be', () => {
    const most: Readonly<Record<string, number>> = { cpuUtilization: 100, availableMemory: 16 * 2 ** 30 };
    const wrong = made(7).filter(({ series, value }) => !(value > 0 && value <= (most[series.name] ?? Infinity)));
    expect(linesOf(wrong)).to.deep.equal([]);
  });
});
