import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A directory for one test; kept, and named, where the test fails. */
export function temporaryDirectory(): { readonly path: string } {
  const directory = { path: '' };
  beforeEach(async () => {
    directory.path = await mkdtemp(join(tmpdir(), 'tracking-files-'));
  });
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') console.error(`kept: ${directory.path}`);
    else await rm(directory.path, { recursive: true, force: true });
  });
  return directory;
}
