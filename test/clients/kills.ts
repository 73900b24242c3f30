import { setTimeout as sleep } from 'node:timers/promises';
import type { ServiceProcess } from '../servers/service.js';

export interface Kills {
  readonly times: number;
  /** Milliseconds from the service's start to its kill. */
  readonly alive: number;
  /** Milliseconds from its kill to its next start. */
  readonly dead: number;
}

/** Kills the service again and again under a client that goes on sending; in the end it runs. */
export async function killAndRestart(service: ServiceProcess, { times, alive, dead }: Kills): Promise<void> {
  for (let kill = 0; kill < times; kill++) {
    await sleep(alive);
    await service.kill();
    await sleep(dead);
    await service.restart();
  }
}
