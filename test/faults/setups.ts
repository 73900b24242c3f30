import { OwnInfluxDBServer } from '../servers/influxdb.js';
import { OwnNatsServer } from '../servers/nats.js';
import type { OwnServer } from '../servers/own-server.js';
import { influxDBSettings, ServiceProcess } from '../servers/service.js';

/** A service with the servers that it needs. */
export interface Setup {
  readonly service: ServiceProcess;
  /** By the name of the program, the service among them. */
  readonly parts: Readonly<Record<string, OwnServer>>;
  /** Ends all of it, the service first. */
  stop(): Promise<void>;
}

export type Settings = Readonly<Record<string, string>>;

/** Every way to run the service, each with servers of its own. */
export const SETUPS = {
  embedded: async (settings: Settings = {}): Promise<Setup> => {
    const service = await ServiceProcess.start(settings);
    return {
      service,
      parts: { service },
      stop: async () => {
        await service.stop();
      },
    };
  },

  influxdb: async (settings: Settings = {}): Promise<Setup> => {
    const influxd = await OwnInfluxDBServer.start();
    const service = await ServiceProcess.start({ ...influxDBSettings(await influxd.createBucket()), ...settings });
    return {
      service,
      parts: { service, influxd },
      stop: async () => {
        await service.stop();
        await influxd.stop();
      },
    };
  },

  nats: async (settings: Settings = {}): Promise<Setup> => {
    const influxd = await OwnInfluxDBServer.start();
    const nats = await OwnNatsServer.start();
    const service = await ServiceProcess.start({
      ...influxDBSettings(await influxd.createBucket()),
      ...natsSettings(nats),
      ...settings,
    });
    return {
      service,
      parts: { service, influxd, 'nats-server': nats },
      stop: async () => {
        await service.stop();
        await nats.stop();
        await influxd.stop();
      },
    };
  },
};

/** The settings that put a queue before the store. */
export function natsSettings({ url, monitorUrl }: OwnNatsServer): Record<string, string> {
  return { QUEUE: 'nats', NATS_URL: url, NATS_MONITOR_URL: monitorUrl };
}

export type SetupName = keyof typeof SETUPS;
