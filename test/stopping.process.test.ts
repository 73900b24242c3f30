import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { expect } from 'chai';
import { ServiceProcess } from './servers/service.js';

const EVENT = '{"namespace":"a","name":"b","value":1}';

const RESET = 'read ECONNRESET after ""';

/** What became of the requests of all clients. */
interface Tally {
  readonly statuses: Record<string, number>;
  /** Requests that were sent and got no answer, by what happened instead. */
  readonly unanswered: string[];
  refusedConnections: number;
}

/** One request after another until connections are refused, on one connection as long as the service keeps it. */
async function keepSending(service: ServiceProcess, request: string, pause: number, tally: Tally): Promise<void> {
  for (;;) {
    const socket = connect(Number(new URL(service.url).port), '127.0.0.1').setEncoding('latin1');
    try {
      await once(socket, 'connect');
    } catch {
      tally.refusedConnections++;
      return;
    }
    const ended = once(socket, 'end').catch(() => undefined);
    for (let open = true, fresh = true; open; fresh = false) {
      const answer = await exchange(socket, request);
      if ('failure' in answer) {
        // The kernel takes connections before the service does, and resets them when that ceases to listen.
        if (fresh && answer.failure === RESET) tally.refusedConnections++;
        else tally.unanswered.push(answer.failure);
        return;
      }
      tally.statuses[answer.status] = (tally.statuses[answer.status] ?? 0) + 1;
      open = answer.keepAlive;
      if (pause > 0 && open) await Promise.race([setTimeout(pause), ended]);
      // Who sees that the connection was closed does not send on it.
      open &&= !socket.readableEnded;
    }
    socket.destroy();
  }
}

type Answer = { readonly status: string; readonly keepAlive: boolean } | { readonly failure: string };

function exchange(socket: Socket, request: string): Promise<Answer> {
  return new Promise((resolve) => {
    let text = '';
    const settle = (answer: Answer): void => {
      socket.off('data', onData).off('end', onEnd).off('error', onError);
      resolve(answer);
    };
    const onData = (more: string): void => {
      text += more;
      const [, status, headers = '', body = ''] = /^HTTP\/1.1 (\d+) ([^]*?)\r\n\r\n([^]*)$/.exec(text) ?? [];
      const length = Number(/\r\nContent-Length: (\d+)/i.exec(headers)?.[1]);
      if (status !== undefined && body.length >= length) {
        settle({ status, keepAlive: !/\r\nConnection: close/i.test(headers) });
      }
    };
    const onEnd = (): void => {
      settle({ failure: `ended after "${text}"` });
    };
    const onError = (error: Error): void => {
      settle({ failure: `${error.message} after "${text}"` });
    };
    socket.on('data', onData).once('end', onEnd).once('error', onError);
    socket.write(request);
  });
}

describe('a service that is stopped under load', function () {
  this.timeout(60_000);

  it('answers every request that was sent, or refuses the connection, and has all that it acknowledged', async () => {
    const service = await ServiceProcess.start();
    let accepted = 0;
    for (let round = 0; round < Number(process.env.TRACKING_STOPS ?? 3); round++) {
      const token = await service.token();
      const head = `POST /api/track/ HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\n`;
      const body = `Content-Length: ${EVENT.length}\r\n\r\n${EVENT}`;
      const tally: Tally = { statuses: {}, unanswered: [], refusedConnections: 0 };
      const clients = Array.from({ length: 48 }, (_, index) =>
        index % 4 === 0
          ? keepSending(service, `${head}Connection: close\r\n${body}`, 0, tally)
          : keepSending(service, head + body, index % 4 === 1 ? 0 : index, tally),
      );
      await setTimeout(300);
      expect(await service.stop()).to.equal(0);
      await Promise.all(clients);
      expect(tally.unanswered).to.deep.equal([]);
      expect(Object.keys(tally.statuses)).to.have.members(['201']);
      expect(tally.refusedConnections).to.equal(clients.length);
      accepted += tally.statuses['201'] ?? 0;
      await service.restart();
    }
    const answer = await fetch(`${service.url}/api/events/a/b?granularity=all&aggregationType=count`, {
      headers: { Authorization: `Bearer ${await service.token()}` },
    });
    expect(await answer.json()).to.have.nested.property('[0].value', accepted);
    await service.stop();
  });
});
