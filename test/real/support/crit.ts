import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { realCriu } from './criu';

/** How the python of the CRIU under test is started: out of its root, with the root's own loader, without chroot. */
export interface Python {
  readonly argv: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

/** Throws where there is no real CRIU. */
export function realPython(): Python {
  const real = realCriu();
  if (!real.available) throw new Error(real.missing);
  const { root, criu } = real;
  return {
    argv: [...criu.slice(0, -1), path.join(root, 'usr/bin/python3')],
    // The root keeps what it has: no files of compiled modules are added to it.
    env: {
      PATH: process.env.PATH,
      LC_ALL: 'C.UTF-8',
      PYTHONHOME: path.join(root, 'usr'),
      PYTHONDONTWRITEBYTECODE: '1',
    },
  };
}

/** The version of the CRIU under test, as a list to compare with. */
export function realVersion(): string {
  const real = realCriu();
  if (!real.available) throw new Error(real.missing);
  return real.version;
}

/** Runs a script in that python and gives it lines of JSON; what it prints, line by line. */
export async function askPython<T>(script: string, questions: readonly unknown[]): Promise<T[]> {
  const { argv, env } = realPython();
  const child = spawn(argv[0] as string, [...argv.slice(1), '-c', script], { env, stdio: ['pipe', 'pipe', 'pipe'] });
  const closed = new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
  child.stdin.end(questions.map((question) => `${JSON.stringify(question)}\n`).join(''));
  const [stdout, stderr, status] = await Promise.all([text(child.stdout), text(child.stderr), closed]);
  if (status !== 0) throw new Error(`python ended with ${status}: ${stderr}`);
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as T);
}

/** What crit makes of something, or how it fails. */
export type Said =
  | { readonly text: string; readonly error?: undefined }
  | { readonly text?: undefined; readonly error: string };

/** All that crit says of one image. */
export interface CritImage {
  readonly plain: Said;
  readonly pretty: Said;
  /** show --nopl, and info, each without the line end. */
  readonly nopl: Said;
  readonly info: Said;
  /** What crit encodes of its own JSON, as base64. */
  readonly encoded: Said;
  readonly encodedPretty: Said;
}

/** What the commands of crit do, without a start of python for each file. */
const CRIT = `
import base64, io, json, sys
import pycriu

def tried(what):
    try:
        return {'text': what()}
    except Exception as error:
        return {'error': type(error).__name__ + ': ' + str(error)}

def decode(image, pretty, nopl):
    out = io.StringIO()
    json.dump(pycriu.images.load(io.BytesIO(image), pretty, nopl), out, indent=4 if pretty else None)
    return out.getvalue()

def encode(said):
    out = io.BytesIO()
    pycriu.images.dump(json.loads(said['text']), out)
    return base64.b64encode(out.getvalue()).decode()

for line in sys.stdin:
    image = base64.b64decode(json.loads(line))
    said = {
        'plain': tried(lambda: decode(image, False, False)),
        'pretty': tried(lambda: decode(image, True, False)),
        'nopl': tried(lambda: decode(image, True, True)),
        'info': tried(lambda: json.dumps(pycriu.images.info(io.BytesIO(image)), indent=4)),
    }
    said['encoded'] = tried(lambda: encode(said['plain']))
    said['encodedPretty'] = tried(lambda: encode(said['pretty']))
    print(json.dumps(said))
`;

/** What the real crit says of each of these images, all by one process. */
export function askCrit(images: readonly Buffer[]): Promise<CritImage[]> {
  return askPython<CritImage>(
    CRIT,
    images.map((image) => image.toString('base64')),
  );
}

/** Writes the commands crit and python3 into a folder for PATH: the real python, and the real crit or another one. */
export function writeCommands(folder: string, crit?: readonly string[]): void {
  const real = realCriu();
  if (!real.available) throw new Error(real.missing);
  const { argv, env } = realPython();
  const own = `PYTHONHOME='${env.PYTHONHOME}' PYTHONDONTWRITEBYTECODE=1 LC_ALL=C.UTF-8`;
  const write = (name: string, before: string, words: readonly string[]) => {
    const quoted = words.map((word) => `'${word}'`).join(' ');
    fs.writeFileSync(path.join(folder, name), `#!/bin/sh\n${before} exec ${quoted} "$@"\n`, { mode: 0o755 });
  };
  write('python3', own, argv);
  if (crit === undefined) write('crit', own, [...argv, path.join(real.root, 'usr/bin/crit')]);
  else write('crit', '', crit);
}
