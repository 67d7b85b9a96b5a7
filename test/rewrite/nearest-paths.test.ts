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
