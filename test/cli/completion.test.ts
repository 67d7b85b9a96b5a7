import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import test, { type ExecutionContext } from 'ava';
import { completedCommands, executorOptions } from '../../src/cli/completion/grammar';
import { splitLine } from '../../src/cli/completion/shell-words';
import { SHELLS, type Shell } from '../../src/cli/usage/completion';
import { bin, runCommand, top } from '../support/command';
import {
  descriptor,
  fileEntry,
  pipeEntry,
  smallCheckpoint,
  temporaryDirectory,
  writeCheckpoint,
} from '../support/directories';
import { exec } from '../support/native';
import { needsOf } from '../support/needs';

const { completionScripts } = require('../../tools/completion.js') as {
  completionScripts(): { [name: string]: string };
};

const needs = needsOf(['python3', ...SHELLS]);
const fixtures = path.join(top, 'fixtures/images');

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
bind -x '"\\C-xd": printf "%s\\n" "$READLINE_LINE" > "$LINE_FILE"'
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
write-line() { print -r -- "$BUFFER" > "$LINE_FILE" }
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
  return stdout.replace(/\n$/, '').split('\n');
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
  ['fdgraft batch ls a --jobs ', 'fdgraft batch ls a --jobs '],
  ['fdgraft-exec --att', 'fdgraft-exec --attach '],
  ['fdgraft-exec --plan pipe_outs', 'fdgraft-exec --plan pipe_outside/'],
];

for (const shell of SHELLS) {
  for (const [line, completed] of LINES) {
    test(`${shell}: ${line}<TAB>`, async (t) => {
      if (!needs(t, 'python3', shell)) return;
      // zsh puts = behind an option with a value.
      t.is((await pressTab(t, shell, line)).line.replace(/[ =]$/, ''), completed.trimEnd());
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

  test(`${shell}: an empty word gets the one key that is left, or a menu`, async (t) => {
    if (!needs(t, 'python3', shell)) return;
    const typed = "fdgraft restore -D pipe_outside --inherit-fd 'fd[5]:/dev/null' --inherit-fd ";
    // One key is left, and 5 is taken.
    const { line } = await pressTab(t, shell, typed);
    t.is(wordsOf(shell, line).at(-1), 'fd[6]:pipe:[126920]');
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

/** By number: names that a shell or a terminal would take for more than a name. */
const HOSTILE = [
  '/h1 $(touch RAN) `touch RAN`',
  "/h2'; touch RAN; '",
  '/h3"; touch RAN; "$PATH',
  '/h4 \\ !x &|<>;*?[a]{b,c}~#',
  '/h5:=ü€ "',
  '/h6\u001b]0;b\u0007',
  '/h7\ntouch RAN',
  '/h8\u202ea',
];
const PLAIN = HOSTILE.slice(0, 5);

/** A directory with a checkpoint `ckpt` of all of them, and one with a hostile name. */
function hostile(t: ExecutionContext): string {
  const directory = temporaryDirectory(t);
  const made = writeCheckpoint(directory, {
    ...smallCheckpoint(),
    'files.img': [...HOSTILE.map((name, i) => fileEntry(i + 1, name, 1)), pipeEntry(9, 4711, 1)],
    'fdinfo-1.img': [...HOSTILE.map((_name, i) => descriptor(i + 1, i + 3, 'REG')), descriptor(9, 1, 'PIPE')],
    'fdinfo-2.img': [],
  });
  fs.renameSync(made, path.join(directory, 'ckpt'));
  fs.cpSync(path.join(directory, 'ckpt'), path.join(directory, 'a $(touch RAN) b'), { recursive: true });
  return directory;
}

for (const shell of SHELLS) {
  for (const [i, name] of PLAIN.entries()) {
    test(`${shell}: the key ${name} is completed, passed on as it is, and not run`, async (t) => {
      if (!needs(t, 'python3', shell)) return;
      const cwd = hostile(t);
      const { stdout } = await runCommand(['ls', path.join(cwd, 'ckpt'), '--json']);
      const { entries } = JSON.parse(stdout) as { entries: { key?: string }[] };
      const key = entries.map((entry) => entry.key).find((one) => one?.startsWith(`/h${i + 1}`));
      for (const quote of ["'", '', ...(name.includes('!') ? [] : ['"'])]) {
        const begin = quote === '' ? 'fd\\[5\\]:/h' : `${quote}fd[5]:/h`;
        const { line } = await pressTab(t, shell, `fdgraft ls ckpt --inherit-fd ${begin}${i + 1}`, { cwd });
        const words = wordsOf(shell, line);
        t.deepEqual(words, ['ls', 'ckpt', '--inherit-fd', `fd[5]:${key}`], line);
      }
      t.false(fs.existsSync(path.join(cwd, 'RAN')));
    });
  }

  test(`${shell}: keys with control characters are left out of the menu, and nothing is run`, async (t) => {
    if (!needs(t, 'python3', shell)) return;
    const cwd = hostile(t);
    const { screen } = await pressTab(t, shell, 'fdgraft ls ckpt --inherit-fd ', { cwd, tabs: 3 });
    // Without colours and backslashes; fish marks what is typed already.
    const shown = screen.replace(/\u001b\[[\d;?]*[A-Za-z]|\u001b\(B|\u000f/g, '').replaceAll('\\', '');
    for (const n of [1, 2, 3, 4, 5]) t.true(shown.includes(`fd[5]:/h${n}`), JSON.stringify(shown));
    for (const n of [6, 7, 8]) t.false(shown.includes(`/h${n}`), String(n));
    const quoted = await pressTab(t, shell, "fdgraft ls 'a $(touch RAN) b' --inherit-fd 'fd[5]:pi", { cwd });
    t.is(wordsOf(shell, quoted.line).at(-1), 'fd[5]:pipe:[4711]');
    await pressTab(t, shell, 'fdgraft ls a\\ $(touch RAN) --inherit-fd ', { cwd });
    t.false(fs.existsSync(path.join(cwd, 'RAN')));
  });

  test(`${shell}: the script has every command and option, and is that of \`fdgraft completion\``, async (t) => {
    const { stdout, stderr, code } = await runCommand(['completion', shell]);
    t.deepEqual({ stderr, code }, { stderr: '', code: 0 });
    const scripts = completionScripts();
    const own = Object.entries(scripts).filter(([name]) => name.startsWith(`${shell}`));
    t.is(own.length, 2);
    for (const [, script] of own)
      t.true(
        stdout.includes(
          script
            .replace(/^#compdef .*\n/, '')
            .split('\n}\n')
            .at(-1) ?? '',
        ),
      );
    for (const { words, options } of completedCommands()) {
      for (const word of words) t.true(stdout.includes(word), word);
      for (const { names } of options)
        for (const name of names) t.true(stdout.includes(shell === 'fish' ? name.replace(/^-+/, '') : name), name);
    }
    if (!needs(t, shell)) return;
    const file = path.join(temporaryDirectory(t), 'script');
    fs.writeFileSync(file, stdout);
    t.is(spawnSync(shell, ['-n', file], { encoding: 'utf8' }).stderr, '');
  });
}

test('the options of fdgraft-exec are those of its help', async (t) => {
  const { stdout } = await exec(['--help']);
  const told = [...(stdout.split('Examples:')[0] as string).matchAll(/^ {2}(--[\w-]+)/gm)].map(([, name]) => name);
  t.deepEqual(
    executorOptions()
      .flatMap(({ names }) => names)
      .sort(),
    [...new Set(told)].sort() as string[],
  );
});

test('without a shell, that of $SHELL or bash', (t) => {
  const print = (SHELL: string) => {
    const { stdout } = spawnSync(process.execPath, [bin, 'completion'], {
      encoding: 'utf8',
      env: { ...process.env, SHELL },
    });
    return stdout.split('\n')[0];
  };
  t.is(print('/usr/bin/zsh'), '#compdef fdgraft fdgraft-exec');
  t.regex(print('/usr/bin/fish') ?? '', /^# The words before the cursor that are no options/);
  for (const other of ['/bin/bash', '/bin/dash', '']) t.regex(print(other) ?? '', /^# The words up to the cursor/);
});

test('a line is read as bash reads it, and nothing is run', (t) => {
  process.env.FDGRAFT_TEST_WORD = 'a b';
  const values = (line: string) => splitLine(line).map(({ value }) => value);
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of the shell.
  t.deepEqual(values('a  b\\ c \'d e\'f "g\\"$FDGRAFT_TEST_WORD" ${FDGRAFT_TEST_WORD} '), [
    ...['a', 'b c', 'd ef', 'g"a b', 'a b', ''],
  ]);
  t.deepEqual(values("~/x ~y '~' $(touch RAN)"), [`${process.env.HOME}/x`, '~y', '~', '$(touch', 'RAN)']);
  t.like(splitLine("ls 'a b", ':').at(-1), { value: 'a b', quote: "'", cut: 0 });
  t.like(splitLine('ls fd\\[5\\]:pi', ':').at(-1), { value: 'fd[5]:pi', quote: '', cut: 6 });
});

test('SOURCE is found behind options, and is not waited for', async (t) => {
  const directory = temporaryDirectory(t);
  spawnSync('mkfifo', [path.join(directory, 'fifo')]);
  const offer = async (...words: string[]) => {
    const { stdout, stderr, code } = await runCommand(['completion', 'fish', '--', 'fdgraft', ...words]);
    t.deepEqual({ stderr, code }, { stderr: '', code: 0 });
    return stdout;
  };
  const source = path.join(fixtures, 'pipe_outside');
  const all = 'fd[5]:/dev/null\tREG\nfd[5]:pipe:[126920]\tPIPE\n';
  t.is(await offer('rewrite', '-o', 'out', '--quiet', '--link=copy', source, '--inherit-fd', ''), all);
  t.is(await offer('restore', '--images-dir', source, '--inherit-fd', ''), all);
  t.is(await offer('batch', 'rewrite', source, '--inherit-fd', ''), all);
  t.is(await offer('ls', source, '--inherit-fd', "'fd[9]:"), all.replaceAll('fd[5]', 'fd[9]'));
  for (const none of [['ls'], ['ls', path.join(directory, 'fifo')], ['nothing', source], ['x', directory], []])
    t.is(await offer(...none, '--inherit-fd', ''), '');
});
