import { appendFileSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { stateAtRest } from '../../lib/agent/at-rest.js';
import { type BufferLimits, DiskBuffer } from '../../lib/agent/buffer.js';
import type { Clock } from '../../lib/agent/clock.js';
import type { TrackedEvent } from '../../lib/event.js';
import { temporaryFolder } from '../servers/lifetime.js';

const HOUR = 3_600_000; // ms
const ALL = { events: 1000, bytes: 2 ** 20 };

describe('the buffer of the agent', () => {
  let directory: string;
  let time: number;
  let dropped: { readonly events: number; readonly reason: string }[];
  const clock: Clock = { now: () => time, sleep: () => Promise.resolve() };
  const opened: DiskBuffer[] = [];
  const open = async (limits: Partial<BufferLimits> = {}): Promise<DiskBuffer> => {
    const all = { maxAge: 24 * HOUR, maxBytes: 1e9, ...limits };
    const buffer = await DiskBuffer.open(directory, all, clock, (events, reason) => dropped.push({ events, reason }));
    opened.push(buffer);
    return buffer;
  };

  beforeEach(() => {
    directory = temporaryFolder('buffer');
    time = Date.UTC(2026, 0, 5);
    dropped = [];
  });
  afterEach(async () => {
    for (const buffer of opened.splice(0)) await buffer.close();
  });

  it('gives what was appended, in order, until it is done with', async () => {
    const buffer = await open();
    await buffer.append(events(0, 3));
    await buffer.append(events(3, 5));
    const first = await buffer.take({ ...ALL, events: 2 });
    expect(valuesIn(first?.lines)).to.deep.equal([0, 1]);
    expect(valuesIn((await buffer.take(ALL))?.lines), 'taken again').to.deep.equal([0, 1, 2, 3, 4]);
    if (first !== undefined) await buffer.advance(first);
    expect(valuesIn((await buffer.take(ALL))?.lines)).to.deep.equal([2, 3, 4]);
    expect(buffer.state).to.include({ events: 3, oldest: time });
  });

  it('survives a kill: another process goes on behind what was done with', async () => {
    const killed = await open();
    await killed.append(events(0, 5));
    const first = await killed.take({ ...ALL, events: 2 });
    if (first !== undefined) await killed.advance(first);
    // It is not closed.
    const next = await open();
    expect(next.state).to.include({ events: 3 });
    await next.append(events(5, 6));
    expect(await drained(next)).to.deep.equal([2, 3, 4, 5]);
    expect(next.state).to.deep.equal({ events: 0, bytes: 0, oldest: undefined });
    expect(await drained(await open())).to.deep.equal([]);
  });

  for (const [what, torn] of [
    ['half a line', '{"namespace":"Server-1","na'],
    ['zeroes', '\0'.repeat(100)],
    ['zeroes and a line', '\0\0\n{"namespace":"Server-1"}\n'],
  ] as const) {
    it(`leaves out ${what} that a power cut left behind what was synced`, async () => {
      const killed = await open();
      await killed.append(events(0, 2));
      appendFileSync(path.join(directory, segments()[0] ?? ''), torn);
      const next = await open();
      await next.append(events(2, 4));
      expect(await drained(next)).to.deep.equal([0, 1, 2, 3]);
    });
  }

  it('gives every whole line wherever its file was cut', async () => {
    const killed = await open();
    await killed.append(events(0, 3));
    const file = path.join(directory, segments()[0] ?? '');
    const content = readFileSync(file);
    for (let length = content.length; length >= 0; length -= 7) {
      writeFileSync(file, content);
      truncateSync(file, length);
      const next = await open();
      const whole = content.subarray(0, length).toString().split('\n').length - 1;
      expect((await next.take(ALL))?.lines.length ?? 0).to.equal(whole);
    }
  });

  it('sends again what is there where the position cannot be read', async () => {
    const killed = await open();
    await killed.append(events(0, 3));
    const first = await killed.take({ ...ALL, events: 2 });
    if (first !== undefined) await killed.advance(first);
    writeFileSync(path.join(directory, 'position'), '\0'.repeat(32));
    expect(await drained(await open())).to.deep.equal([0, 1, 2]);
  });

  it('is looked at where no agent runs, and stays as it is', async () => {
    expect(await stateAtRest(directory)).to.deep.equal({ events: 0, bytes: 0, oldest: undefined });
    expect(readdirSync(directory)).to.deep.equal([]);
    const buffer = await open();
    for (let step = 0; step < 3; step++, time += HOUR) await buffer.append(events(2 * step, 2 * step + 2));
    for (let step = 0; step < 3; step++) {
      const batch = await buffer.take({ ...ALL, events: 1 });
      if (batch !== undefined) await buffer.advance(batch);
    }
    appendFileSync(path.join(directory, segments().at(-1) ?? ''), 'half a line');
    const files = readdirSync(directory);
    expect(await stateAtRest(directory)).to.deep.equal(buffer.state);
    expect(readdirSync(directory)).to.deep.equal(files);
  });

  it('drops what is older than it keeps, the oldest first, and counts it', async () => {
    const buffer = await open({ maxAge: HOUR });
    for (let step = 0; step < 20; step++, time += HOUR / 4) await buffer.append(events(step, step + 1));
    const kept = await drained(buffer);
    expect(kept).to.deep.equal(Array.from({ length: kept.length }, (_, index) => 20 - kept.length + index));
    expect(kept.length).to.be.within(4, 6);
    expect(dropped.reduce((sum, { events: count }) => sum + count, 0)).to.equal(20 - kept.length);
  });

  it('takes no more room than it may, the oldest go first, and counts them', async () => {
    const maxBytes = 100_000;
    const buffer = await open({ maxBytes });
    for (let step = 0; step < 200; step++) {
      await buffer.append(events(step * 10, step * 10 + 10));
      const room = segments().reduce((sum, name) => sum + statSync(path.join(directory, name)).size, 0);
      expect(room).to.be.at.most(maxBytes * 1.02);
    }
    const kept = await drained(buffer);
    expect(kept).to.deep.equal(Array.from({ length: kept.length }, (_, index) => 2000 - kept.length + index));
    expect(dropped.reduce((sum, { events: count }) => sum + count, 0)).to.equal(2000 - kept.length);
    expect(dropped[0]?.reason).to.equal('the buffer was full');
  });

  it('drops nothing that is being sent', async () => {
    const buffer = await open({ maxAge: HOUR });
    await buffer.append(events(0, 1));
    const batch = await buffer.take(ALL);
    time += 2 * HOUR;
    await buffer.append(events(1, 2));
    await buffer.append(events(2, 3));
    expect(dropped).to.be.empty;
    if (batch !== undefined) await buffer.advance(batch);
    expect(await drained(buffer)).to.deep.equal([1, 2]);
  });

  for (const [what, lose, left] of [
    ['removed', rmSync, []],
    ['emptied', truncateSync, [7]],
  ] as const) {
    it(`goes on behind a file that somebody ${what}, and counts what was in it`, async () => {
      const buffer = await open();
      for (let step = 0; step < 3; step++, time += HOUR) await buffer.append(events(2 * step, 2 * step + 2));
      const first = await buffer.take({ ...ALL, events: 1 });
      if (first !== undefined) await buffer.advance(first);
      lose(path.join(directory, segments()[0] ?? ''));
      expect(await drained(buffer)).to.deep.equal([2, 3, 4, 5]);
      // Also one that is written to.
      await buffer.append(events(6, 7));
      lose(path.join(directory, segments().at(-1) ?? ''));
      await buffer.append(events(7, 8));
      expect(await drained(buffer)).to.deep.equal(left);
      await buffer.append(events(8, 9));
      expect(await drained(buffer)).to.deep.equal([8]);
      const reason = 'their file cannot be read any more';
      expect(dropped).to.deep.equal([1, 2 - left.length].map((count) => ({ events: count, reason })));
    });
  }

  it('leaves no file behind when all is sent but the one that it writes to', async () => {
    const buffer = await open();
    for (let step = 0; step < 10; step++, time += HOUR) {
      await buffer.append(events(step, step + 1));
      await drained(buffer);
    }
    expect(segments()).to.have.length(1);
  });

  function segments(): string[] {
    return readdirSync(directory)
      .filter((name) => name.startsWith('events-'))
      .sort();
  }

  function events(from: number, to: number): TrackedEvent[] {
    return Array.from({ length: to - from }, (_, index) => ({
      namespace: 'Server-1',
      name: 'cpuUtilization',
      timestamp: time / 1000,
      value: from + index,
      tags: { host: 'wéb-1' },
    }));
  }
});

function valuesIn(lines: readonly string[] = []): number[] {
  return lines.map((line) => (JSON.parse(line) as { readonly value: number }).value);
}

async function drained(buffer: DiskBuffer): Promise<number[]> {
  const values: number[] = [];
  for (let batch = await buffer.take(ALL); batch !== undefined; batch = await buffer.take(ALL)) {
    values.push(...valuesIn(batch.lines));
    await buffer.advance(batch);
  }
  return values;
}
