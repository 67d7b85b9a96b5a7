// npm run api: records what others rely on, so that a change of it is seen; test/api.test.ts compares.
// docs/api/fdgraft.api.md is the library's API as the declarations have it, docs/api/formats.txt the formats.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { ensureNodeModules, Missing, run, runMain, top } = require('./ensure');
const { breaches, currentFormats, formatText, recordedFormats } = require('./recorded-formats');

const REPORT = 'fdgraft.api.md';
const recorded = path.join(top, 'docs/api', REPORT);

/** The API that the declarations of a build have, and the types in it that cannot be imported. */
function describeApi(declarations) {
  const { Extractor, ExtractorConfig } = require('@microsoft/api-extractor');
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'fdgraft-api-'));
  const { compilerOptions } = JSON.parse(fs.readFileSync(path.join(top, 'tsconfig.json'), 'utf8'));
  const entry = path.join(declarations, 'index.d.ts');
  const typeRoots = [path.join(top, 'node_modules/@types')];
  const none = { default: { logLevel: 'none' } };
  const configObject = {
    projectFolder: top,
    mainEntryPointFilePath: entry,
    newlineKind: 'lf',
    compiler: { overrideTsconfig: { compilerOptions: { ...compilerOptions, typeRoots }, files: [entry] } },
    apiReport: {
      enabled: true,
      reportFileName: REPORT,
      reportFolder: directory,
      reportTempFolder: path.join(directory, 'new'),
    },
    docModel: { enabled: false },
    dtsRollup: { enabled: false },
    tsdocMetadata: { enabled: false },
    messages: {
      compilerMessageReporting: { default: { logLevel: 'error' } },
      extractorMessageReporting: { ...none, 'ae-forgotten-export': { logLevel: 'warning' } },
      tsdocMessageReporting: none,
    },
  };
  const missing = [];
  const messageCallback = (message) => {
    message.handled = true;
    if (message.messageId === 'ae-forgotten-export') missing.push(message.text);
    else if (message.logLevel === 'error') throw new Error(message.formatMessageWithLocation(top));
  };
  try {
    const packageJsonFullPath = path.join(top, 'package.json');
    const config = ExtractorConfig.prepare({ configObject, configObjectFullPath: undefined, packageJsonFullPath });
    Extractor.invoke(config, { localBuild: true, messageCallback });
    return { report: fs.readFileSync(path.join(directory, REPORT), 'utf8'), missing };
  } finally {
    fs.rmSync(directory, { recursive: true, force: true });
  }
}

/** What breaks a recorded version is not recorded: the version has to be raised. */
function recordFormats() {
  const formats = currentFormats();
  const text = fs.existsSync(recordedFormats) ? fs.readFileSync(recordedFormats, 'utf8') : '';
  const broken = breaches(text, formats);
  if (broken.length > 0) throw new Missing(`raise the version of the format:\n${broken.join('\n')}`);
  fs.writeFileSync(recordedFormats, formatText(formats));
}

function main() {
  ensureNodeModules();
  fs.mkdirSync(path.dirname(recorded), { recursive: true });
  recordFormats();
  const declarations = fs.mkdtempSync(path.join(os.tmpdir(), 'fdgraft-api-'));
  try {
    const tsc = path.join(top, 'node_modules/typescript/bin/tsc');
    run(process.execPath, [
      tsc,
      '-p',
      'tsconfig.build.json',
      '--noCheck',
      '--emitDeclarationOnly',
      '--outDir',
      declarations,
    ]);
    const { report, missing } = describeApi(declarations);
    fs.writeFileSync(recorded, report);
    for (const text of missing) console.error(text);
  } finally {
    fs.rmSync(declarations, { recursive: true, force: true });
  }
}

if (require.main === module) runMain(main);

module.exports = { describeApi, recorded };
