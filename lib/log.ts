import { Writable } from 'node:stream';
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

// Where winston keeps the finished line (npm's triple-beam).
const MESSAGE = Symbol.for('message');

/** A logger that writes one line for each call, all lines of one turn of the event loop in one write. */
export function createLogger({ level, human, stream = process.stdout }: LoggerOptions): Logger {
  const { levels } = winston.config.npm;
  const least = levels[level];
  const toLine = human ? humanLine : jsonLine;
  // winston asks about levels only after it has made the line.
  const format = winston.format((info) => {
    if ((levels[info.level] ?? 0) > least) return false;
    info[MESSAGE] = toLine(info);
    return info;
  });
  const logger = winston.createLogger({ level, format: format() });
  logger.pipe(new Lines(stream));
  return logger;
}

/**
 * Writes lines to a stream. winston's own transports make a system call for each line, which costs more than all the
 * rest of logging it; here the lines of one turn share one. Nothing waits longer than that turn, and errors not at all.
 */
class Lines extends Writable {
  private lines = '';

  constructor(private readonly stream: NodeJS.WritableStream) {
    super({ objectMode: true });
    if (stream === process.stdout) process.once('exit', this.flush);
  }

  override _write(info: Logform.TransformableInfo | false, _encoding: string, done: () => void): void {
    if (info !== false) {
      if (this.lines === '') setImmediate(this.flush);
      this.lines += `${String(info[MESSAGE])}\n`;
      if (info.level === 'error') this.flush();
    }
    done();
  }

  override _final(done: () => void): void {
    this.flush();
    process.removeListener('exit', this.flush);
    done();
  }

  private readonly flush = (): void => {
    if (this.lines === '') return;
    const { lines } = this;
    this.lines = '';
    this.stream.write(lines);
  };
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
    return JSON.stringify(value);
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
