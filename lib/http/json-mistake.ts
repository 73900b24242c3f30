// What may come where in JSON (RFC 8259), by the words for what is expected.
type State = keyof typeof EXPECTED;
const EXPECTED = {
  value: 'a value',
  firstElement: 'a value or ]',
  firstKey: 'a key in double quotes or }',
  key: 'a key in double quotes',
  colon: 'a colon',
  afterElement: 'a comma or ]',
  afterMember: 'a comma or }',
  end: 'the end',
};

const LITERAL = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-])/y;
const WORD_OR_CHARACTER = /[\w.+-]{1,20}|./suy;
const ESCAPE = /\\(?:["\\/bfnrt]|u[\da-fA-F]{4})/y;

/** Where a text stops being JSON and why, in words: JSON.parse tells only some of it, and other things in each version. */
export function explainJson(text: string): string {
  const open: ('{' | '[')[] = [];
  let state: State = 'value';
  let position = skipSpace(text, 0);
  while (position < text.length) {
    const end = endOfToken(text, position);
    const next: State | undefined = end < 0 ? undefined : stateAfter(state, text[position] ?? '', open);
    if (next === undefined)
      return `${placeOf(text, position)}: expected ${EXPECTED[state]}, found ${found(text, position)}`;
    state = next;
    position = skipSpace(text, end);
  }
  return `it ends where ${EXPECTED[state]} was expected`;
}

function stateAfter(state: State, start: string, open: ('{' | '[')[]): State | undefined {
  const isValue = !'{}[],:'.includes(start);
  switch (state) {
    case 'value':
    case 'firstElement':
      if (isValue) return afterValue(open);
      if (start === ']' && state === 'firstElement') return close(open);
      if (start !== '{' && start !== '[') return undefined;
      open.push(start);
      return start === '{' ? 'firstKey' : 'firstElement';
    case 'firstKey':
    case 'key':
      if (start === '"') return 'colon';
      return start === '}' && state === 'firstKey' ? close(open) : undefined;
    case 'colon':
      return start === ':' ? 'value' : undefined;
    case 'afterElement':
      return start === ',' ? 'value' : start === ']' ? close(open) : undefined;
    case 'afterMember':
      return start === ',' ? 'key' : start === '}' ? close(open) : undefined;
    case 'end':
      return undefined;
  }
}

function close(open: ('{' | '[')[]): State {
  open.pop();
  return afterValue(open);
}

function afterValue(open: readonly ('{' | '[')[]): State {
  const innermost = open.at(-1);
  return innermost === undefined ? 'end' : innermost === '{' ? 'afterMember' : 'afterElement';
}

/** -1 where there is no token. */
function endOfToken(text: string, position: number): number {
  const start = text[position] ?? '';
  if (start === '"') return endOfString(text, position);
  return '{}[],:'.includes(start) ? position + 1 : endOfMatch(LITERAL, text, position);
}

function endOfString(text: string, start: number): number {
  let position = start + 1;
  while (position < text.length) {
    const code = text.charCodeAt(position);
    if (code === 0x22) return position + 1;
    if (code < 0x20) return -1;
    if (code === 0x5c) {
      position = endOfMatch(ESCAPE, text, position);
      if (position < 0) return -1;
    } else position++;
  }
  return -1;
}

function skipSpace(text: string, position: number): number {
  let code = text.charCodeAt(position);
  while (code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0d) code = text.charCodeAt(++position);
  return position;
}

function endOfMatch(expression: RegExp, text: string, position: number): number {
  expression.lastIndex = position;
  return expression.test(text) ? expression.lastIndex : -1;
}

function placeOf(text: string, position: number): string {
  let line = 1;
  let start = 0;
  for (let at = text.indexOf('\n'); at >= 0 && at < position; at = text.indexOf('\n', start)) {
    line++;
    start = at + 1;
  }
  return `line ${line}, column ${position - start + 1}`;
}

function found(text: string, position: number): string {
  if (text[position] === '"' && endOfString(text, position) < 0) {
    return 'a string that does not end, or holds a raw control character or an unknown escape';
  }
  WORD_OR_CHARACTER.lastIndex = position;
  return WORD_OR_CHARACTER.exec(text)?.[0] ?? '';
}
