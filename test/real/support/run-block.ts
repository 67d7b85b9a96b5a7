import path from 'node:path';
import type { Box } from './box';
import type { Block } from './cookbook';
import { cacheDirectory, criuLock } from './criu';
import type { Lab } from './lab';
import { ended } from './spawn';

/** A block that is running: its output so far, and its end, which has to be a good one. */
export interface Running {
  said(): string;
  finish(): Promise<string>;
}

export interface BlockOptions {
  directory: string;
  path: string;
  env?: NodeJS.ProcessEnv;
  /** Options of place.c, and the argv before the shell. */
  place?: readonly string[];
  prefix?: readonly string[];
  /** More for the message of a block that fails. */
  log?(): string;
}

/** PATH with a directory of commands first. */
export function pathWith(bin: string): string {
  return `${bin}:${process.env.PATH}:/usr/sbin:/sbin:/usr/bin:/bin`;
}

/** Starts an sh block of a Markdown file in a box. */
export function startBlock(lab: Lab, box: Box, block: Block, options: BlockOptions): Running {
  const said = lab.scratch();
  // The lock is taken inside: a process between the box and this one would be taken for one of the tree's.
  const lock = ['flock', '-o', '-w', '300', '-E', '124', criuLock()];
  const child = box.spawn([...lock, ...(options.prefix ?? []), 'sh', '-e', '-c', block.text], {
    place: ['--chdir', options.directory, ...(options.place ?? [])],
    messages: said.fd,
    fds: { 1: said.fd, 2: said.fd },
    env: { ...process.env, GOCACHE: path.join(cacheDirectory(), 'go'), ...options.env, PATH: options.path },
  });
  const status = ended(child, 240);
  return {
    said: said.read,
    finish: async () => {
      const code = await status;
      if (code !== 0)
        throw new Error(`the block in line ${block.line} ended with ${code}\n${said.read()}${options.log?.() ?? ''}`);
      return said.read();
    },
  };
}
