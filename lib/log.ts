import winston, { type Logform } from 'winston';

export type Logger = winston.Logger;

export const LOG_LEVELS = ['error', 'warn', 'info', 'http', 'verbose', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LoggerOptions {
  readonly level: LogLevel;
  /** Lines for people rather than JSON. */
  readonly human: boolean;
  /** Standard output where left out. */
  readonly stream?: NodeJS.WritableStream;
}

// Where winston and its transports leave the level and the finished line (npm's triple-beam).
const LEVEL = Symbol.for('level');
const MESSAGE = Symbol.for('message');

/** A logger that writes one line for each call, all lines of one turn of the event loop in one write. */
export function createLogger({ level, human, stream = process.stdout }: LoggerOptions): Logger {
  const toLine = human ? humanLine : jsonLine;
  const format = {
    transform(info: Logform.TransformableInfo): Logform.TransformableInfo {
      info[MESSAGE] = toLine(info);
      return info;
    },
  };
  return winston.createLogger({ level, format, transports: [new Lines(stream)] });
}

/**
 * Writes lines to a stream. winston's own transport makes a system call for each line, which costs more than all the
 * rest of logging it; here the lines of one turn share one. Nothing waits longer than that turn, and errors not at all.
 */
class Lines extends winston.transport {
  private lines = '';
  private readonly flushBeforeExit = (): void => {
    this.flush();
  };

  constructor(private readonly stream: NodeJS.WritableStream) {
    super();
    if (stream === process.stdout) process.once('exit', this.flushBeforeExit);
  }

  override log(info: Logform.TransformableInfo, done: () => void): void {
    if (this.lines === '') setImmediate(this.flushBeforeExit);
    this.lines += `${String(info[MESSAGE])}\n`;
    if (info[LEVEL] === 'error') this.flush();
    done();
  }

  override close(): void {
    this.flush();
    process.removeListener('exit', this.flushBeforeExit);
  }

  private flush(): void {
    if (this.lines === '') return;
    const { lines } = this;
    this.lines = '';
    this.stream.write(lines);
  }
}

/** JSON by hand: winston's `format.json()` takes four times as long, for it looks for cycles first. */
function jsonLine(info: Logform.TransformableInfo): string {
  let line = `{"time":"${timeNow()}","level":"${info.level}","message":${jsonOf(info.message)}`;
  for (const key in info) {
    const value = info[key];
    if (key === 'level' || key === 'message' || value === undefined) continue;
    line += `,"${key}":${jsonOf(value)}`;
  }
  return `${line}}`;
}

function jsonOf(value: unknown): string {
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  if (value instanceof Error) return JSON.stringify(value.stack ?? value.message);
  try {
    return JSON.stringify(value) ?? 'null';
  } catch {
    return JSON.stringify(String(value)); // a cycle, or a bigint
  }
}

function humanLine({ level, message, stack, ...details }: Logform.TransformableInfo): string {
  const shown = Object.entries(details)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}=${humanValue(value)}`);
  const line = `${timeNow().slice(11, 23)} ${level.padEnd(5)} ${String(message)}${shown.join('')}`;
  return typeof stack === 'string' ? `${line}\n${stack}` : line;
}

function humanValue(value: unknown): string {
  if (typeof value === 'string' && /^[^\s"=]+$/.test(value)) return value;
  return jsonOf(value);
}

let latest = 0;
let latestText = '';

/** Many lines share a millisecond, and most of the cost of a line is this text. */
function timeNow(): string {
  const now = Date.now();
  if (now !== latest) {
    latest = now;
    latestText = new Date(now).toISOString();
  }
  return latestText;
}
