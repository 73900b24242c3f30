import type { Command } from 'commander';
import { gather } from './gather.js';

/** As the command line has them; `lib/agent/settings.ts` checks them. */
export interface AgentFlags {
  readonly once?: boolean;
  readonly [setting: string]: unknown;
}

/** Adds `agent` and `agent status` to the command line. */
export function addAgentCommands(program: Command, version: string): void {
  const agent = program
    .command('agent')
    .description('send the figures of this host, and what StatsD clients send, to a service')
    // What stands behind `status` is meant for it.
    .enablePositionalOptions()
    // Else its one complaint of `agent sttaus` would be that there are too many arguments.
    .allowExcessArguments();

  agent
    .option('--config <file>', 'settings, as deploy/tracking-agent.json5 has them')
    .option('--url <url>', 'where the service is')
    .option('--client-id <id>', 'of an application with the scope write')
    .option('--client-secret-file <file>', 'its secret (or TRACKING_AGENT_CLIENT_SECRET)')
    .option('--namespace <namespace>', "of the events (default: the host's name)")
    .option('--tag <key=value>', 'of every event; may be repeated', gather)
    .option('--interval <duration>', 'between two readings, aligned to the clock (default: 10s)')
    .option('--include <patterns>', "only these figures, such as 'cpu*,availableMemory'")
    .option('--exclude <patterns>', 'not these')
    .option('--buffer <directory>', 'for what waits to be sent (default: /var/lib/tracking-agent)')
    .option('--buffer-time <duration>', 'how long it may wait (default: 24h)')
    .option('--buffer-size <size>', 'how much room it may take (default: 200MB)')
    .option('--batch <events>', 'in a request at most (default: 5000)')
    .option('--timeout <duration>', 'of a request (default: 30s)')
    .option('--statsd <port>', 'take StatsD on this UDP port of the loopback addresses')
    .option('--statsd-socket <path>', 'take StatsD on this Unix socket, as a stream of lines')
    .option('--percentiles <numbers>', 'of StatsD timers (default: 90)')
    .option('--log-level <level>', 'error, warn, info or debug (default: info)')
    .option('--once', 'print what would be sent, one event a line, and end')
    .action(async (flags: AgentFlags, { args: [word] }: Command) => {
      if (word !== undefined)
        agent.error(`error: unknown command 'agent ${word}': there are 'agent' and 'agent status'`);
      await (await import('./run-agent.js')).runAgent(flags, version);
    });

  agent
    .command('status')
    .allowExcessArguments(false)
    .description('what an agent has sent, and what waits')
    .option('--config <file>', 'the settings file of the agent')
    .option('--buffer <directory>', 'its buffer (default: /var/lib/tracking-agent)')
    .option('--json', 'print JSON')
    .action(async (flags: AgentFlags) => (await import('./run-agent.js')).agentStatus(flags));
}
