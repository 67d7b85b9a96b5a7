import * as fs from 'node:fs';
import * as path from 'node:path';
import { build } from '../../support/native';
import { makeTemp } from './temp';

/** The executor and the plugin for a real CRIU, with UBSan: a process ends at its first report. */
export function checkedBuild(): string {
  return build('undefined');
}

let directory: string | undefined;

/** From now on what this process starts writes its reports to a directory, also where its stderr leads nowhere. */
function collectReports(): string {
  directory ??= makeTemp();
  fs.chmodSync(directory, 0o1777);
  process.env.UBSAN_OPTIONS = `log_path=${path.join(directory, 'report')}:print_stacktrace=1`;
  return directory;
}

/** The reports of UBSan since the last call. */
export function takeReports(): string[] {
  const from = collectReports();
  return fs.readdirSync(from).map((name) => {
    const report = fs.readFileSync(path.join(from, name), 'utf8');
    fs.rmSync(path.join(from, name));
    return report;
  });
}

/** Fails where there is one. */
export function refuseReports(): void {
  const reports = takeReports();
  if (reports.length > 0) throw new Error(reports.join('\n'));
}
