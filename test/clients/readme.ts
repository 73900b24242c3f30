import { readFileSync } from 'node:fs';
import path from 'node:path';
import { PACKAGE_FOLDER } from '../../lib/config.js';
import { APPLICATION } from '../servers/service.js';

const README = readFileSync(path.join(PACKAGE_FOLDER, 'README.md'), 'utf8');

/** What stands in the README for an address and for credentials. */
const ADDRESS = 'http://localhost:8000';
const { id, secret } = APPLICATION;

/**
 * A block of the README as it stands there, but for the address and the credentials.
 * @param start - what it begins with, told apart by
 * @param url - where the service of a test is
 */
export function readmeBlock(language: string, start: string, url: string): string {
  const blocks = [...README.matchAll(/^```(\w+)\n([^]*?)^```$/gm)];
  const [, , text] = blocks.find(([, own, text = '']) => own === language && text.startsWith(start)) ?? [];
  if (text === undefined) throw new Error(`The README has no ${language} that begins with ${start}.`);
  if (!text.includes(ADDRESS)) throw new Error(`What the README says in ${start} names no address.`);
  return text
    .replaceAll(ADDRESS, url)
    .replaceAll('CREDENTIALS', Buffer.from(`${id}:${secret}`).toString('base64'))
    .replaceAll(/(?<=: )CLIENT_ID\b/g, id)
    .replaceAll(/(?<=: )CLIENT_SECRET\b/g, secret);
}
