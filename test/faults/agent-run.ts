/** What the fault run of the agent and its process have in common. */
export interface AgentRun {
  readonly url: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly buffer: string;
  /** The file in which the process takes down what it keeps. */
  readonly ledger: string;
  /** Milliseconds since 1970. */
  readonly from: number;
  readonly until: number;
}

export const INTERVAL = 10_000; // ms
export const NAMESPACE = 'Agent';
export const FIGURES = ['cpuUtilization', 'availableMemory', 'usedMemory', 'loadAverage1'];
export const MARKS = { begun: 'b', kept: 'k' };
