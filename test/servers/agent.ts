import path from 'node:path';
import process from 'node:process';
import { ServerProcess } from './process.js';
import { APPLICATION, CLI, type ServiceProcess } from './service.js';

/** What starts the agent, as the first line of `cli.ts` has it. */
const FLAGS = ['--max-semi-space-size=32', '--initial-old-space-size=40', '--heap-growing-percent=40'];

/** Starts an agent that sends to a service, and logs to `agent.log` in a folder. */
export function spawnAgent(service: ServiceProcess, folder: string, ...flags: readonly string[]): ServerProcess {
  const secret = `TRACKING_AGENT_CLIENT_SECRET=${APPLICATION.secret}`;
  const target = ['--url', service.url, '--client-id', APPLICATION.id];
  const command = [secret, process.execPath, ...FLAGS, CLI, 'agent', ...target, ...flags];
  return ServerProcess.spawn('env', command, path.join(folder, 'agent.log'));
}
