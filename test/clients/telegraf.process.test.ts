import { expect } from 'chai';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { PACKAGE_FOLDER } from '../../lib/config.js';
import { temporaryFolder } from '../servers/lifetime.js';
import { run } from '../servers/program.js';
import { APPLICATION, ServiceProcess } from '../servers/service.js';
import { getTelegraf } from './programs.js';

const README = readFileSync(path.join(PACKAGE_FOLDER, 'README.md'), 'utf8');

/** What the README says of an output of Telegraf's. */
function outputOf(name: string): string {
  const blocks = [...README.matchAll(/^```toml\n([^]*?)^```$/gm)].map(([, text = '']) => text);
  const block = blocks.find((text) => text.startsWith(`[[outputs.${name}]]`));
  if (block === undefined) throw new Error(`The README says nothing of ${name}.`);
  return block;
}

// Of `system` one figure is a string.
const INPUTS = '[agent]\n  hostname = "web-1"\n[[inputs.mem]]\n[[inputs.system]]\n';

describe('Telegraf sends here, as the README says,', () => {
  for (const output of ['influxdb_v2', 'influxdb']) {
    it(`with its output ${output}`, async function () {
      this.timeout('20m'); // it may have to be built
      const telegraf = await getTelegraf();
      const service = await ServiceProcess.start();
      const file = path.join(temporaryFolder('telegraf'), 'telegraf.conf');
      writeFileSync(file, INPUTS + outputOf(output).replace('http://localhost:8000', service.url));
      const environment = { CLIENT_ID: APPLICATION.id, CLIENT_SECRET: APPLICATION.secret };
      await run(telegraf, ['--config', file, '--once'], { folder: '/', environment });
      const headers = { authorization: `Bearer ${await service.token()}` };
      const ask = async (target: string): Promise<unknown> => (await fetch(service.url + target, { headers })).json();
      expect(await ask('/api/events/')).to.deep.equal(['mem', 'system']);
      const names = (await ask('/api/events/system')) as { name: string; tagKeys: string[] }[];
      expect(names.map(({ name }) => name))
        .to.include.members(['load1', 'uptime'])
        .and.not.include('uptime_format');
      const [used] = (await ask('/api/events/mem/total?granularity=none&tag.host=web-1')) as { value: number }[];
      expect(used?.value).to.be.above(0);
      await service.stop();
    });
  }
});
