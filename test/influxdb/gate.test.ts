import { setTimeout } from 'node:timers/promises';
import { expect } from 'chai';
import { Gate } from '../../lib/influxdb/gate.js';

describe('The gate before questions', () => {
  /** Lets tasks in by the order of their names and notes who got in. */
  function entering(gate: Gate, ...names: string[]): string[] {
    const entered: string[] = [];
    for (const name of names) void gate.enter().then(() => entered.push(name));
    return entered;
  }

  it('lets as many in as there are places, and the next in line when one leaves', async () => {
    const gate = new Gate(2);
    const entered = entering(gate, 'a', 'b', 'c', 'd');
    await setTimeout();
    expect(entered).to.deep.equal(['a', 'b']);
    gate.leave();
    await setTimeout();
    expect(entered).to.deep.equal(['a', 'b', 'c']);
  });

  it('has fewer places while a restraint applies', async () => {
    let applies = true;
    const gate = new Gate(3, { places: 1, applies: () => applies, patience: 60_000 });
    const entered = entering(gate, 'a', 'b', 'c', 'd', 'e');
    await setTimeout();
    expect(entered).to.deep.equal(['a']);
    applies = false;
    gate.leave();
    await setTimeout();
    expect(entered).to.deep.equal(['a', 'b', 'c', 'd']);
    for (let left = 0; left < 4; left++) gate.leave();
    await setTimeout();
    gate.leave();
  });

  it('lets in who has waited long enough, restraint or not, while there is a place', async () => {
    const gate = new Gate(2, { places: 1, applies: () => true, patience: 20 });
    const entered = entering(gate, 'a', 'b', 'c');
    await setTimeout();
    expect(entered).to.deep.equal(['a']);
    await setTimeout(60);
    expect(entered).to.deep.equal(['a', 'b']);
  });
});
