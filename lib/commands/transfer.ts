import { type Command, Option } from 'commander';
import { type Mistake, TrackingError } from '../errors.js';
import { readRange } from '../http/time-parameter.js';
import { now } from '../time.js';
import type { StoreKind } from '../transfer-store.js';
import type { IdentityRule, PointsFilter } from '../transfer.js';
import { type ArchiveOptions, COMPRESSIONS, FORMATS } from './archives.js';
import type { CopyOptions } from './copy.js';
import { gather } from './gather.js';
import type { ImportOptions } from './import.js';

const STORES: readonly StoreKind[] = ['duckdb', 'influxdb'];
const RULES: readonly IdentityRule[] = ['own', 'timestamp'];
const FORMAT = 'the format, where the file name does not tell it (.ndjson, .jsonl, .csv, .lp, .parquet, and .gz)';

interface PatternOptions {
  readonly namespace?: readonly string[];
  readonly name?: readonly string[];
}

type ExportOptions = ArchiveOptions & PatternOptions & { readonly from?: string; readonly to?: string };

/** Commands that move points: they work beside a running service, through its socket, and without one. */
export function addTransferCommands(program: Command): void {
  patternOptions(program.command('export').description('write events to a file: Parquet, NDJSON, CSV or line protocol'))
    .argument('[file]', 'where to; - or nothing is standard output')
    .addOption(new Option('--format <format>', FORMAT).choices(FORMATS))
    .addOption(
      new Option('--compression <codec>', 'gzip for text; zstd (the default), gzip, snappy for Parquet').choices(
        COMPRESSIONS,
      ),
    )
    .option('--from <time>', 'the first time, as tsMin: RFC 3339, UNIX seconds, or relative to now such as -7d')
    .option('--to <time>', 'the first time that is too late, as tsMax')
    .action(async (file: string | undefined, options: ExportOptions) => {
      const { exportPoints } = await import('./export.js');
      await exportPoints(nameOf(file), { ...patternsOf(options), ...rangeOf(options) }, options);
    });

  identityOption(program.command('import').description('read events from a file; done twice it adds nothing'))
    .argument('<file>', 'where from; - is standard input')
    .addOption(new Option('--format <format>', FORMAT).choices(FORMATS))
    .action(async (file: string, options: ImportOptions) => {
      const { importPoints } = await import('./import.js');
      await importPoints(nameOf(file), options);
    });

  identityOption(patternOptions(program.command('copy').description('copy events from one store to another')))
    .addOption(new Option('--from <store>', 'where from').choices(STORES).makeOptionMandatory())
    .addOption(new Option('--to <store>', 'where to').choices(STORES).makeOptionMandatory())
    .action(async (options: CopyOptions & PatternOptions) => {
      const { copyPoints } = await import('./copy.js');
      await copyPoints(options, patternsOf(options));
    });

  program
    .command('backup')
    .description('write everything into a directory, while events come in: events, applications, keys, retentions')
    .argument('<directory>', 'one that is not there yet')
    .action(async (directory: string) => (await import('./backup.js')).backUp(directory));

  program
    .command('restore')
    .description('put a backup into an empty data directory and an empty store')
    .argument('<directory>', 'that a backup was written to')
    .action(async (directory: string) => (await import('./backup.js')).restore(directory));
}

function patternOptions(command: Command): Command {
  return command
    .option('--namespace <pattern>', "only of such namespaces, such as 'Server-*'; may be repeated", gather)
    .option('--name <pattern>', 'only of such names; may be repeated', gather);
}

function identityOption(command: Command): Command {
  return command.addOption(
    new Option(
      '--identity <rule>',
      'what makes events without an identity themselves: their own place, or as for samples their series and timestamp',
    )
      .choices(RULES)
      .default('own'),
  );
}

function nameOf(file: string | undefined): string | undefined {
  return file === '-' ? undefined : file;
}

function patternsOf({ namespace = [], name = [] }: PatternOptions): PointsFilter {
  return { namespaces: namespace, names: name };
}

function rangeOf({ from, to }: ExportOptions): Pick<PointsFilter, 'from' | 'to'> {
  const mistakes: Mistake[] = [];
  const given = { ...(from === undefined ? {} : { tsMin: from }), ...(to === undefined ? {} : { tsMax: to }) };
  const { tsMin, tsMax } = readRange(given, 'UTC', now(), mistakes).bounds;
  if (mistakes.length > 0) {
    const sentences = mistakes.map(({ message }) => message.replaceAll('tsMin', '--from').replaceAll('tsMax', '--to'));
    throw new TrackingError('invalid', `Nothing was exported: ${sentences.join('; ')}.`);
  }
  return { ...(tsMin === undefined ? {} : { from: tsMin }), ...(tsMax === undefined ? {} : { to: tsMax }) };
}
