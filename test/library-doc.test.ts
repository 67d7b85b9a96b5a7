import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';
import ts from 'typescript';

const top = path.join(__dirname, '..');

/** The programs of docs/LIBRARY.md are programs in strict TypeScript too. */

test('each program of docs/LIBRARY.md has no error of the compiler', (t) => {
  const text = fs.readFileSync(path.join(top, 'docs/LIBRARY.md'), 'utf8');
  const programs = [...text.matchAll(/^```(?:js|ts)\n(.*?)^```$/gms)].map(([, program = '']) =>
    program.replace(/^const (\{[^}]*\}) = require\('fdgraft'\);$/m, "import $1 from 'fdgraft';"),
  );
  t.true(programs.length > 0);
  for (const program of programs) {
    t.regex(program, /from 'fdgraft'/);
    t.deepEqual(errorsOf(program), []);
    t.not(errorsOf(program.replace('openSource(', 'inspect(')).length, 0, 'the compiler looks');
  }
});

function errorsOf(program: string): string[] {
  const name = path.join(top, 'program.ts');
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    esModuleInterop: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    types: ['node'],
    paths: { fdgraft: [path.join(top, 'src/index.ts')] },
  };
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists, readFile } = host;
  host.fileExists = (file) => file === name || fileExists(file);
  host.readFile = (file) => (file === name ? program : readFile(file));
  host.getSourceFile = (file, ...rest) =>
    file === name ? ts.createSourceFile(file, program, ts.ScriptTarget.ES2022) : getSourceFile(file, ...rest);
  const compiled = ts.createProgram([name], options, host);
  const source = compiled.getSourceFile(name);
  return [...compiled.getSyntacticDiagnostics(source), ...compiled.getSemanticDiagnostics(source)].map(
    ({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'),
  );
}
