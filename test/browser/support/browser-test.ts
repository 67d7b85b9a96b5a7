import { pathToFileURL } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

const { ensurePrograms } = require('../../../tools/ensure-programs.js') as {
  ensurePrograms(names: string[]): { chromium?: string };
};

const { chromium: missing } = ensurePrograms(['chromium']);
// These tests must not go missing unseen.
if (missing !== undefined && process.env.CI) throw new Error(missing);

let browser: Browser | undefined;
test.after.always(() => browser?.close());

/** Opens a file; what it asks for and what the console says is held against it when the test ends. */
export type Open = (file: string, options?: BrowserContextOptions) => Promise<Page>;

/** A test with Debian's Chromium. Where that is not there, its title says what is missing. */
export function browserTest(title: string, body: (t: ExecutionContext, open: Open) => Promise<void>): void {
  if (missing !== undefined) {
    test.skip(`${title} (${missing})`, (t) => t.fail());
    return;
  }
  test.serial(title, async (t) => {
    t.timeout(600_000);
    browser ??= await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--headless', '--no-sandbox'] });
    const [complaints, ends]: [string[], (() => Promise<void>)[]] = [[], []];
    const open: Open = async (file, options) => {
      const context = await (browser as Browser).newContext(options);
      ends.push(() => context.close());
      const url = pathToFileURL(file).href;
      await context.route('**', (route) => {
        const asked = route.request().url();
        if (asked === url) return route.continue();
        complaints.push(`asked for ${asked}`);
        return route.abort();
      });
      const page = await context.newPage();
      page.on('console', (message) => complaints.push(message.text()));
      page.on('pageerror', (error) => complaints.push(error.message));
      page.on('dialog', (dialog) => {
        complaints.push(`a dialog: ${dialog.message()}`);
        return dialog.dismiss();
      });
      await page.goto(url);
      return page;
    };
    try {
      await body(t, open);
      t.deepEqual(complaints, []);
    } finally {
      for (const end of ends) await end();
    }
  });
}
