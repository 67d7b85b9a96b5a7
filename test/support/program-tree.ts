import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

/** Puts a program of this machine into a tree of its own, at `name` there, with the shared libraries that it loads. */
export function putProgram(tree: string, program: string, name: string): void {
  const put = (from: string, to: string) => {
    const target = path.join(tree, to);
    fs.mkdirSync(path.dirname(target), { recursive: true });
    fs.copyFileSync(from, target);
    fs.chmodSync(target, 0o755);
  };
  put(program, name);
  const libraries = execFileSync('ldd', [program], { encoding: 'utf8' });
  for (const [, library] of libraries.matchAll(/(\/\S+) \(0x/g)) put(library as string, library as string);
}
