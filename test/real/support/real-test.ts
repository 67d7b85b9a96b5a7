import test, { type ExecutionContext } from 'ava';
import { refuseReports } from './checked-build';
import { realCriu } from './criu';
import { Lab } from './lab';

const real = realCriu();

/** A test with a real CRIU and a lab that ends with it. Where CRIU cannot run, its title says what is missing. */
export function realTest(title: string, body: (t: ExecutionContext, lab: Lab) => Promise<void>): void {
  if (!real.available) {
    test.skip(`${title} (${real.missing})`, (t) => t.fail());
    return;
  }
  test.serial(title, async (t) => {
    t.timeout(300_000);
    // After the lab has ended all processes.
    t.teardown(refuseReports);
    refuseReports();
    await body(t, new Lab(t));
  });
}
