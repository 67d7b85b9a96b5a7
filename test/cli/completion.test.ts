import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import test, { type ExecutionContext } from 'ava';
import { SHELLS, type Shell } from '../../src/cli/usage/completion';
import { bin, top } from '../support/command';
import { temporaryDirectory } from '../support/directories';

const { ensurePrograms } = require('../../tools/ensure-programs.js') as {
  ensurePrograms(names: string[]): { [name: string]: string };
};
const { completionScripts } = require('../../tools/completion.js') as {
  completionScripts(): { [name: string]: string };
};

const missing = ensurePrograms(['python3', ...SHELLS]);
const fixtures = path.join(top, 'fixtures/images');

function needs(t: ExecutionContext, ...names: string[]): boolean {
  const absent = names.flatMap((name) => missing[name] ?? []);
  if (absent.length > 0 && process.env.CI === 'true') t.fail(absent.join('\n'));
  else if (absent.length > 0) t.log(absent.join('\n'));
  if (absent.length > 0) t.pass();
  return absent.length === 0;
}

/** A home whose shells have the scripts as `make install` puts them, or as `fdgraft completion` prints them. */
function home(t: ExecutionContext): { directory: string; env: NodeJS.ProcessEnv } {
  const directory = temporaryDirectory(t);
  const put = (name: string, content: string, mode = 0o644) => {
    fs.mkdirSync(path.dirname(path.join(directory, name)), { recursive: true });
    fs.writeFileSync(path.join(directory, name), content, { mode });
  };
  for (const [name, content] of Object.entries(completionScripts())) put(`share/${name}`, content);
  put('bin/fdgraft', `#!/bin/sh\nexec '${process.execPath}' '${bin}' "$@"\n`, 0o755);
  put('bin/fdgraft-exec', '#!/bin/sh\n', 0o755);
  put(
    'bashrc',
    `PS1='READY> '
for name in fdgraft fdgraft-exec; do source "$HOME/share/bash-completion/completions/$name"; done
bind 'set bell-style none'
bind 'set page-completions off'
bind -x '"\\C-xd": printf %s "$READLINE_LINE" > "$LINE_FILE"'
`,
  );
  put(
    '.zshrc',
    `PS1='READY> '
fpath=("$HOME/share/zsh/site-functions" $fpath)
autoload -Uz compinit
compinit -u -D
unsetopt beep
bindkey -e
write-line() { print -rn -- "$BUFFER" > "$LINE_FILE" }
zle -N write-line
bindkey '^Xd' write-line
`,
  );
  put(
    '.config/fish/config.fish',
    `set fish_greeting
function fish_prompt; echo 'READY> '; end
set -p fish_complete_path "$HOME/share/fish/vendor_completions.d"
bind \\cxd 'commandline > $LINE_FILE'
`,
  );
  const env = {
    PATH: `${directory}/bin:${process.env.PATH}`,
    HOME: directory,
    ZDOTDIR: directory,
    TERM: 'xterm',
    LC_ALL: 'C.UTF-8',
    COLUMNS: '200',
  };
  return { directory, env };
}

/** A few at a time, since a busy machine looks like a shell that is done. */
const turns: Promise<unknown>[] = [1, 2, 3, 4].map(() => Promise.resolve());

/** The line after TAB, and what the terminal got. */
function pressTab(t: ExecutionContext, shell: Shell, line: string, { cwd = fixtures, tabs = 1 } = {}) {
  t.timeout(600_000);
  const { directory, env } = home(t);
  const file = path.join(directory, 'line');
  const done = (turns.shift() as Promise<unknown>).then(async () => {
    const argv = [path.join(top, 'test/support/press-tab.py'), shell, file, String(tabs), line];
    const child = spawn('python3', argv, {
      cwd,
      env: { ...env, LINE_FILE: file },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const screen = await text(child.stdout);
    return { line: fs.readFileSync(file, 'utf8').replace(/\n$/, ''), screen };
  });
  turns.push(done.catch(() => {}));
  return done;
}

/** The words of a line as the shell passes them to a command. */
function wordsOf(shell: Shell, line: string): string[] {
  const script =
    shell === 'fish' ? 'function fdgraft; printf "%s\\n" $argv; end\n' : 'fdgraft() { printf "%s\\n" "$@"; }\n';
  const { stdout } = spawnSync(shell, ['-c', `${script}${line}`], { encoding: 'utf8' });
  return stdout.trimEnd().split('\n');
}

const LINES: readonly (readonly [line: string, completed: string, tabs?: number])[] = [
  ['fdgraft rewr', 'fdgraft rewrite '],
  ['fdgraft batch dec', 'fdgraft batch decode '],
  ['fdgraft completion fi', 'fdgraft completion fish '],
  ['fdgraft rewrite a --allow', 'fdgraft rewrite a --allow-unmatched '],
  ['fdgraft rewrite a -o b --link ref', 'fdgraft rewrite a -o b --link reflink '],
  ['fdgraft diff --format=mark', 'fdgraft diff --format=markdown '],
  ['fdgraft x pipe_outside mem', 'fdgraft x pipe_outside mems '],
  ['fdgraft ls pipe_outs', 'fdgraft ls pipe_outside/'],
  ['fdgraft rewrite a --specs pipe_outs', 'fdgraft rewrite a --specs pipe_outside/'],
  ['fdgraft restore -D pipe_outs', 'fdgraft restore -D pipe_outside/'],
  ['fdgraft rewrite a --shard ', 'fdgraft rewrite a --shard '],
  ['fdgraft-exec --att', 'fdgraft-exec --attach '],
  ['fdgraft-exec --plan pipe_outs', 'fdgraft-exec --plan pipe_outside/'],
];

for (const shell of SHELLS) {
  for (const [line, completed] of LINES) {
    test(`${shell}: ${line}<TAB>`, async (t) => {
      if (!needs(t, 'python3', shell)) return;
      t.is((await pressTab(t, shell, line)).line.trimEnd(), completed.trimEnd());
    });
  }

  test(`${shell}: a command after the options of fdgraft-exec`, async (t) => {
    if (!needs(t, 'python3', shell)) return;
    const { line } = await pressTab(t, shell, 'fdgraft-exec --plan a -- fdgraft-ex');
    t.is(
      line.trimEnd(),
      shell === 'bash' ? 'fdgraft-exec --plan a -- fdgraft-ex' : 'fdgraft-exec --plan a -- fdgraft-exec',
    );
  });

  for (const before of ['', "'fd[7]:pi", '"fd[7]:pi', 'fd\\[7\\]:pi', 'fd\\[7\\]:pipe:\\[12']) {
    for (const option of ['--inherit-fd ', '--inherit-fd=']) {
      test(`${shell}: ${option}${before}<TAB> offers the keys of SOURCE`, async (t) => {
        if (!needs(t, 'python3', shell)) return;
        const typed = `fdgraft rewrite pipe_outside -o out ${option}${before === '' ? "'fd[5]:p" : before}`;
        const { line } = await pressTab(t, shell, typed);
        const fd = before === '' ? 5 : 7;
        const spec = option.endsWith('=')
          ? [`${option}fd[${fd}]:pipe:[126920]`]
          : [option.trim(), `fd[${fd}]:pipe:[126920]`];
        t.deepEqual(wordsOf(shell, line), ['rewrite', 'pipe_outside', '-o', 'out', ...spec], line);
      });
    }
  }

  test(`${shell}: an empty word gets what all keys have in common, and a menu`, async (t) => {
    if (!needs(t, 'python3', shell)) return;
    const typed = "fdgraft restore -D pipe_outside --inherit-fd 'fd[5]:/dev/null' --inherit-fd ";
    // One key is left, and 5 is taken.
    const { line } = await pressTab(t, shell, typed);
    t.is(wordsOf(shell, line).at(-2), 'fd[6]:/dev/null');
    const { screen } = await pressTab(t, shell, 'fdgraft ls pipe_outside --inherit-fd ', { tabs: 3 });
    for (const key of ['/dev/null', 'pipe:']) t.true(screen.replaceAll('\\', '').includes(`fd[5]:${key}`), screen);
  });

  test(`${shell}: no checkpoint, no keys and no error`, async (t) => {
    if (!needs(t, 'python3', shell)) return;
    for (const source of ['no-such-place', '../../package.json']) {
      const typed = `fdgraft ls ${source} --inherit-fd `;
      const { line, screen } = await pressTab(t, shell, typed);
      t.is(line.trimEnd(), typed.trimEnd());
      t.notRegex(screen, /cannot|error|fdgraft:/i);
    }
  });
}
