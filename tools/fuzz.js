// npm run fuzz -- [--runs N] [--seed S] ...: gives fdgraft inputs that nobody should make, and judges what comes out
// (docs/RELIABILITY.md). `--help` lists the options. The sources are bundled with a counter in each branch of src/, so that inputs which
// reach something new are changed further.

const fs = require('node:fs');
const path = require('node:path');
const { spawnSync } = require('node:child_process');
const { ensureNodeModules, runMain, top } = require('./ensure');

const bundle = path.join(top, 'node_modules', '.cache', 'fdgraft', 'fuzz.js');
/** Directories of src/ that depend on the clock or the file system alone, or are tables. */
const UNCOUNTED = /^src\/(storage\/[^/]+|schema\/generated\/.*|batch\/.*|cli\/.*)\.ts$/;

/** Puts a counter into each function, branch and loop of a source. */
function withCounters(text, file, take) {
  const ts = require('typescript');
  const { factory } = ts;
  const count = () =>
    factory.createPostfixIncrement(
      factory.createElementAccessExpression(
        factory.createPropertyAccessExpression(factory.createIdentifier('globalThis'), 'fdgraftBranches'),
        factory.createNumericLiteral(take()),
      ),
    );
  const counted = (statements) => [factory.createExpressionStatement(count()), ...statements];
  const asBlock = (statement) =>
    statement === undefined || ts.isBlock(statement) ? statement : factory.createBlock(counted([statement]), true);
  const withCount = (expression) =>
    factory.createParenthesizedExpression(
      factory.createComma(count(), factory.createParenthesizedExpression(expression)),
    );
  const transformer = (context) => {
    const visit = (original) => {
      const node = ts.visitEachChild(original, visit, context);
      if (ts.isBlock(node)) return factory.updateBlock(node, counted(node.statements));
      if (ts.isIfStatement(node)) {
        const otherwise =
          node.elseStatement && ts.isIfStatement(node.elseStatement) ? node.elseStatement : asBlock(node.elseStatement);
        return factory.updateIfStatement(node, node.expression, asBlock(node.thenStatement), otherwise);
      }
      if (ts.isCaseClause(node)) return factory.updateCaseClause(node, node.expression, counted(node.statements));
      if (ts.isDefaultClause(node)) return factory.updateDefaultClause(node, counted(node.statements));
      if (ts.isConditionalExpression(node)) {
        const { condition, questionToken, colonToken } = node;
        return factory.updateConditionalExpression(
          ...[node, condition, questionToken, withCount(node.whenTrue), colonToken, withCount(node.whenFalse)],
        );
      }
      return node;
    };
    return (root) => ts.visitNode(root, visit);
  };
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true);
  const { transformed } = ts.transform(source, [transformer]);
  return ts.createPrinter().printFile(transformed[0]);
}

function bundleSources() {
  const { build } = require('esbuild');
  let branches = 0;
  const plugin = {
    name: 'fdgraft-fuzz',
    setup: (setup) => {
      setup.onLoad({ filter: /\.ts$/ }, ({ path: file }) => {
        const relative = path.relative(top, file);
        const text = fs.readFileSync(file, 'utf8');
        const isCounted = relative.startsWith('src/') && !UNCOUNTED.test(relative);
        const counted = isCounted ? withCounters(text, file, () => branches++) : text;
        // Where a source lies, and not the bundle.
        return { contents: counted.replaceAll('__dirname', JSON.stringify(path.dirname(file))), loader: 'ts' };
      });
    },
  };
  return build({
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    packages: 'external',
    logLevel: 'warning',
    write: false,
    outfile: bundle,
    entryPoints: [path.join(top, 'test/fuzz/main.ts')],
    plugins: [plugin],
  }).then(({ outputFiles: [{ text }] }) => {
    fs.mkdirSync(path.dirname(bundle), { recursive: true });
    fs.writeFileSync(bundle, `globalThis.fdgraftBranches = new Uint8Array(${branches});\n${text}`);
  });
}

async function main() {
  ensureNodeModules();
  if (!fs.existsSync(path.join(top, 'native/build/fdgraft-exec'))) await require('./build').build();
  await bundleSources();
  const { status } = spawnSync(process.execPath, [bundle, ...process.argv.slice(2)], { cwd: top, stdio: 'inherit' });
  process.exitCode = status ?? 1;
}

runMain(main);
