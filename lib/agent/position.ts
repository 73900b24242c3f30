import { constants } from 'node:fs';
import { access, type FileHandle, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Up to where the events of the buffer have been sent. */
export interface Position {
  readonly sequence: number;
  readonly offset: number;
}

const LENGTH = 32; // bytes: within one sector of any disk, which is written whole or not at all
const RECORD = /^(\d{1,15}) (\d{1,15}) *\n/;

/** The position in a directory; undefined where there is none, or none that can be read. Makes no file. */
export async function readPosition(directory: string): Promise<Position | undefined> {
  return positionIn(await readFile(fileIn(directory), 'latin1').catch(() => ''));
}

function positionIn(content: string): Position | undefined {
  const [, sequence, offset] = RECORD.exec(content) ?? [];
  return sequence === undefined ? undefined : { sequence: Number(sequence), offset: Number(offset) };
}

function fileIn(directory: string): string {
  return join(directory, 'position');
}

/** The file that says where sending goes on. Where it cannot be read, everything that is there is sent again. */
export class PositionFile {
  private constructor(
    private readonly handle: FileHandle,
    readonly initial: Position | undefined,
  ) {}

  /** @throws Error where no agent has kept anything in the directory, or whoever asks may not look */
  static async find(directory: string): Promise<void> {
    await access(fileIn(directory));
  }

  static async open(directory: string): Promise<PositionFile> {
    const handle = await open(fileIn(directory), constants.O_RDWR | constants.O_CREAT, 0o600);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(LENGTH), 0, LENGTH, 0);
    return new PositionFile(handle, positionIn(buffer.toString('latin1', 0, bytesRead)));
  }

  /** Resolves when the position is on disk. */
  async write({ sequence, offset }: Position): Promise<void> {
    await this.handle.write(`${`${sequence} ${offset}`.padEnd(LENGTH - 1)}\n`, 0, 'latin1');
    await this.handle.datasync();
  }

  close(): Promise<void> {
    return this.handle.close();
  }
}
