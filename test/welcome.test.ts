import { execFileSync } from 'node:child_process';
import { expect } from 'chai';
import { welcome } from '../lib/welcome.js';

/** What a shell has in the variables after the line that sets them. */
function variablesIn(text: string): string {
  const line = text.split('\n').find((one) => one.startsWith('export '));
  return execFileSync('bash', ['-c', `${line ?? ''}; printf '%s|%s' "$CLIENT_ID" "$CLIENT_SECRET"`]).toString();
}

describe('the welcome', () => {
  const url = 'http://127.0.0.1:8000';

  it('leaves the credentials in variables, as the examples of the README have them', () => {
    expect(variablesIn(welcome({ url, clientId: 'first-1', clientSecret: 'abc123' }))).to.equal('first-1|abc123');
    const odd = `$HOME'"\`!\\`;
    expect(variablesIn(welcome({ url, clientId: 'first-1', clientSecret: odd }))).to.equal(`first-1|${odd}`);
  });

  it('says whose secret it is that nobody knows any more', () => {
    const text = welcome({ url, clientId: 'first-1' });
    expect(variablesIn(text)).to.equal('first-1|the secret of first-1');
    expect(text).to.match(/"\S.* application add NAME" gives another\):\n/);
  });
});
