const PATIENCE = 1000;
const SAFE_REPLICAS = 3;

/**
 * Whether the server would lose acknowledged messages in a power cut, in a sentence; nothing where it would not. A client
 * of NATS cannot learn it, only the monitoring port says it.
 * @param monitorUrl - such as `http://127.0.0.1:8222`
 */
export async function durabilityNote(monitorUrl: string | null, replicas: number): Promise<string | undefined> {
  if (replicas >= SAFE_REPLICAS) return undefined;
  if (monitorUrl === null) {
    return 'Whether NATS would lose acknowledged events in a power cut is not known: set NATS_MONITOR_URL, or keep three replicas (NATS_REPLICAS).';
  }
  try {
    if (await syncsAlways(monitorUrl)) return undefined;
  } catch {
    return 'Whether NATS would lose acknowledged events in a power cut is not known: its monitoring port (NATS_MONITOR_URL) does not say.';
  }
  return 'NATS would lose acknowledged events in a power cut: set sync_interval: always in the block `jetstream` of its configuration, or keep three replicas (NATS_REPLICAS).';
}

async function syncsAlways(monitorUrl: string): Promise<boolean> {
  const response = await fetch(`${monitorUrl.replace(/\/$/, '')}/jsz?config=true`, {
    signal: AbortSignal.timeout(PATIENCE),
  });
  if (!response.ok) throw new Error(`it answers ${response.status}`);
  const { config } = (await response.json()) as { readonly config?: { readonly sync_always?: boolean } };
  if (config === undefined) throw new Error('it says nothing about JetStream');
  return config.sync_always === true;
}
