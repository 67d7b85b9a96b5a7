// npm run api: writes docs/api/fdgraft.api.md, the library's API as the declarations have it. A change of the API is a
// change of that file: test/api.test.ts compares the two.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { ensureNodeModules, run, runMain, top } = require('./ensure');

const REPORT = 'fdgraft.api.md';
const recorded = path.join(top, 'docs/api', REPORT);

/** The API that the declarations of a build have, and the types in it that cannot be imported. */
function describeApi(declarations) {
  const { Extractor, ExtractorConfig } = require('@microsoft/api-extractor');
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'fdgraft-api-'));
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
      reportFolder: folder,
      reportTempFolder: path.join(folder, 'new'),
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
    return { report: fs.readFileSync(path.join(folder, REPORT), 'utf8'), missing };
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

function main() {
  ensureNodeModules();
  const declarations = fs.mkdtempSync(path.join(os.tmpdir(), 'fdgraft-api-'));
  try {
    const tsc = path.join(top, 'node_modules/typescript/bin/tsc');
    run(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--noCheck', '--emitDeclarationOnly', '--outDir', declarations]);
    const { report, missing } = describeApi(declarations);
    fs.mkdirSync(path.dirname(recorded), { recursive: true });
    fs.writeFileSync(recorded, report);
    for (const text of missing) console.error(text);
  } finally {
    fs.rmSync(declarations, { recursive: true, force: true });
  }
}

if (require.main === module) runMain(main);

module.exports = { describeApi, recorded };
