import { basename, relative } from 'node:path';

/**
 * A command of this program as people have to type it where they started it: `tracking …` where it is installed, and in
 * a checkout `node dist/lib/cli.js …`.
 * @param program - as `process.argv[1]` has it
 */
export function commandLine(command: string, program = process.argv[1] ?? ''): string {
  return `${programOf(program)} ${command}`;
}

function programOf(program: string): string {
  if (/[/\\]node_modules[/\\]\.bin[/\\]/.test(program)) return 'npx tracking';
  if (basename(program) !== 'cli.js') return 'tracking';
  const path = relative(process.cwd(), program);
  return `node ${quoted(path.startsWith('..') ? program : path)}`;
}

/** A text as a shell takes it for one word. */
export function quoted(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
