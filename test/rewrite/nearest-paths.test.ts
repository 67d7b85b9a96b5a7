import test from 'ava';
import { ComparisonBudget, NearestPaths } from '../../src/rewrite/near-misses/nearest-paths';

function near(wanted: string, paths: readonly string[], budget?: number): string[] {
  const nearest = new NearestPaths(Buffer.from(wanted), new ComparisonBudget(budget));
  for (const path of paths) {
    const bytes = Buffer.from(`  ${path} `);
    nearest.see(bytes, 2, bytes.length - 1);
  }
  return nearest.found().map(String);
}

test('the nearest path is found, and the others are not told', (t) => {
  const paths = ['srv/logs/out.log', 'srv/logs/err.log', 'srv/lags/cut.log', 'usr/lib/libc.so.6'];
  t.deepEqual(near('srv/logs/ou.log', paths), ['srv/logs/out.log']);
  t.deepEqual(near('srv/logs/outt.log', paths), ['srv/logs/out.log']);
  t.deepEqual(near('srv/logs/otu.log', paths), ['srv/logs/out.log']);
  t.deepEqual(near('srv/Logs/Out.log', paths), ['srv/logs/out.log']);
  t.deepEqual(near('srv/logs/out.log', ['srv/logs/out.log']), [], 'not itself');
  t.deepEqual(near('etc/passwd', paths), []);
  t.deepEqual(near('a', ['b', 'c']), [], 'all of it differs');
});

test('the same last part in another directory is near, whatever the rest is', (t) => {
  const paths = ['var/lib/containers/storage/app.log', 'app.log', 'var/log/myapp.log'];
  t.deepEqual(near('srv/app.log', paths).sort(), ['app.log', 'var/lib/containers/storage/app.log']);
});

test('of many that are equally near three are told', (t) => {
  const paths = Array.from({ length: 1000 }, (_none, i) => `run/log-${1000 + i}`);
  t.is(near('run/log-100', paths).length, 3);
});

test('a single typing error is found where no comparison is left', (t) => {
  const paths = ['srv/logs/out.log'];
  for (const wanted of ['srv/logs/ou.log', 'srv/logs/outt.log', 'srv/logs/oat.log']) {
    t.deepEqual(near(wanted, paths, 0), paths, wanted);
  }
  t.deepEqual(near('srv/logs/otu.log', paths, 0), []);
});

test('a million paths and long ones take a bounded number of comparisons', (t) => {
  let left = 1 << 16;
  const budget = {
    take: () => {
      left -= 1;
      return left >= 0;
    },
  } as unknown as ComparisonBudget;
  const nearest = new NearestPaths(Buffer.from(`${'x'.repeat(2000)}/ab/${'y'.repeat(2000)}`), budget);
  const other = Buffer.from(`${'x'.repeat(2000)}/${'z'.repeat(100)}/${'y'.repeat(1900)}`);
  for (let i = 0; i < 1000; i += 1) nearest.see(other, 0, other.length);
  t.is(left, 1 << 16, 'long middles are not compared');
  const short = new NearestPaths(Buffer.from('run/log-abcdef'), budget);
  const path = Buffer.from('run/log-fedcba');
  for (let i = 0; i < 100_000; i += 1) short.see(path, 0, path.length);
  t.true(left < 0);
});

test('each path is told once, and three of one name at most', (t) => {
  t.deepEqual(near('var/lag/app.log', ['var/log/app.log', 'var/log/app.log']), ['var/log/app.log']);
  const elsewhere = ['a', 'b', 'c', 'd'].map((name) => `${name.repeat(20)}/app.log`);
  t.deepEqual(near('var/log/app.log', [...elsewhere, ...elsewhere]), elsewhere.slice(0, 3));
  t.deepEqual(near('var/log/app.log', [...elsewhere, 'var/lag/app.log']), [
    'var/lag/app.log',
    ...elsewhere.slice(0, 2),
  ]);
});

test('a nearer path takes the place of others', (t) => {
  t.deepEqual(near('srv/logs/outt.log', ['srv/logs/ou.log', 'srv/logs/out.log']), ['srv/logs/out.log']);
});

test('the root has no names, nor has a path with a slash at its end', (t) => {
  t.deepEqual(near('', ['a', 'srv/logs/out.log']), []);
  t.deepEqual(near('srv/logs/', ['run/']), []);
});

test('letters that are there too much or too little are counted without a comparison', (t) => {
  t.deepEqual(near('srv/logs/outtt.log', ['srv/logs/out.log'], 0), ['srv/logs/out.log']);
  t.deepEqual(near('srv/logs/o.log', ['srv/logs/out.log'], 0), ['srv/logs/out.log']);
  t.deepEqual(near('srv/logs/otu.log', ['srv/logs/out.log'], 1), ['srv/logs/out.log']);
  t.deepEqual(
    near('srv/logs/otu.log', ['x', 'srv/logs/out.log'], 1),
    ['srv/logs/out.log'],
    'x is too short to be near',
  );
});

test('the longest part that is compared', (t) => {
  const differing = (length: number) => [`x${'o'.repeat(length - 2)}x`, `y${'o'.repeat(length - 2)}y`] as const;
  const [wanted, path] = differing(64);
  t.deepEqual(near(wanted, [path]), [path]);
  const [longer, other] = differing(65);
  t.deepEqual(near(longer, [other]), []);
});

test('bytes in front of a path are no part of it', (t) => {
  const nearest = new NearestPaths(Buffer.from('zzxapp.log'), new ComparisonBudget());
  const bytes = Buffer.from('xapp.log');
  nearest.see(bytes, 1, bytes.length);
  nearest.see(Buffer.from('zzxapp.log'), 0, 10);
  t.deepEqual(nearest.found().map(String), ['app.log']);
});
