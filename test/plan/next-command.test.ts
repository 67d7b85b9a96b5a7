import test from 'ava';
import { fileEntry, pipeEntry } from '../support/folders';
import { rewriteImages, smallWith } from '../support/rewriting';

const O_APPEND = 0o2000;

const files = smallWith({
  'files.img': [
    fileEntry(1, '/usr/bin/program', 0),
    pipeEntry(2, 4711, 1),
    fileEntry(3, '/log', 1 | O_APPEND, { pos: 162 }),
    fileEntry(4, '/', 0o200000),
    fileEntry(5, '/in', 0),
    fileEntry(6, '/plain', 1, { pos: 3 }),
    fileEntry(7, '/both', 2),
  ],
  'fdinfo-1.img': [2, 3, 5, 6, 7].map((id) => ({ id, flags: 0, type: id === 2 ? 'PIPE' : 'REG', fd: id })),
  'fdinfo-2.img': [],
});

test('each fd is opened with the access that it needs, and nothing that is gone on with is emptied', async (t) => {
  const opened = async (...specs: Parameters<typeof rewriteImages>[2]['specs']) => {
    const { next, out } = await rewriteImages(t, files, { specs });
    t.deepEqual(next?.words, ['fdgraft-exec', '--plan', out, '--', 'criu', 'restore', '-D', out]);
    return next?.redirections.map(({ fd, operator }) => `${fd}${operator}`).join(' ');
  };
  t.is(await opened('fd[9]:/both', 'fd[8]:/in', 'fd[5]:pipe:[4711]', 'fd[7]:/log'), '5> 7>> 8< 9<>');
  t.is(await opened('fd[5]:/plain'), '5>');
  t.is(await opened({ inherit: 'fd[5]:/plain', position: 'saved' }), '5<>');
  t.is(await opened({ inherit: 'fd[5]:/plain', position: 'end' }), '5>>');
  t.is(await opened('fd[5]:/plain', 'fd[5]:/in'), '5<>');
  t.is(await opened('fd[5]:/plain', 'fd[5]:/log'), '5>>');
  t.is(await opened('fd[5]:/in', 'debug[5]:text', 'debug[3]:x'), '3> 5<>');
});

test('what criu is to inherit itself is in the command', async (t) => {
  const images = { ...files, 'netns-9.img': [{ ext_key: 'extRootNetNS' }] };
  const { next } = await rewriteImages(t, images, { specs: ['fd[5]:/in', 'fd[3]:extRootNetNS'] });
  t.deepEqual(next?.words.slice(-2), ['--inherit-fd', 'fd[3]:extRootNetNS']);
  t.deepEqual(next?.redirections, [{ fd: 5, operator: '<' }]);
});

test('a dry run has nothing to restore', async (t) => {
  const { next } = await rewriteImages(t, files, { specs: ['fd[5]:/in'], out: undefined } as never);
  t.is(next, undefined);
});
