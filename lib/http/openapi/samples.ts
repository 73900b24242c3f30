import type { CodeSample } from './types.js';

/** Where the service listens when nothing is set. */
export const ADDRESS = 'http://localhost:8000';

interface Request {
  readonly label: string;
  /** Left out: GET, or POST with a body. */
  readonly method?: 'DELETE';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly gzip?: boolean;
}

/** A request with curl, to paste into a shell where `TOKEN` is set. */
export function curl({ label, method, path, headers = {}, body, gzip = false }: Request): CodeSample {
  const fields = Object.entries(headers).map(([name, value]) => quote(`${name}: ${value}`));
  const lines = [
    `${gzip ? `printf '%s' ${quote(body ?? '')} | gzip | ` : ''}curl -s ${method === undefined ? '' : `-X ${method} `}${quote(ADDRESS + path)}`,
    '-H "Authorization: Bearer $TOKEN"',
    ...fields.map((field) => `-H ${field}`),
  ];
  if (gzip) lines.push("-H 'Content-Encoding: gzip' --data-binary @-");
  else if (body !== undefined) lines.push(`--data-binary ${quote(body)}`);
  return shell(label, lines.join(' \\\n  '));
}

export function shell(label: string, source: string): CodeSample {
  return { lang: 'Shell', label, source };
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
