import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { realCriu } from './criu';

const { critCommand, pythonCommand } = require('../../../tools/criu-root.js') as {
  critCommand(root: string): string[];
  pythonCommand(root: string): string[];
};

function real(): { root: string; version: string } {
  const found = realCriu();
  if (!found.available) throw new Error(found.missing);
  return found;
}

/** The version of the CRIU under test. */
export function realVersion(): string {
  return real().version;
}

/** Runs a script in that python and gives it lines of JSON; what it prints, line by line. */
export async function askPython<T>(script: string, questions: readonly unknown[]): Promise<T[]> {
  const [command = '', ...args] = [...pythonCommand(real().root), '-c', script];
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const closed = new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
  child.stdin.end(questions.map((question) => `${JSON.stringify(question)}\n`).join(''));
  const [stdout, stderr, status] = await Promise.all([text(child.stdout), text(child.stderr), closed]);
  if (status !== 0) throw new Error(`python ended with ${status}: ${stderr}`);
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as T);
}

/** How to run the crit of the CRIU under test. */
export function realCritCommand(): string[] {
  return critCommand(real().root);
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

/**
 * Writes the commands crit and python3 into a directory for PATH: the real python, and the real crit or another one.
 */
export function writeCommands(directory: string, crit?: readonly string[]): void {
  const { root } = real();
  for (const [name, argv] of Object.entries({ python3: pythonCommand(root), crit: crit ?? critCommand(root) })) {
    const words = argv.map((word) => `'${word}'`).join(' ');
    fs.writeFileSync(path.join(directory, name), `#!/bin/sh\nexec ${words} "$@"\n`, { mode: 0o755 });
  }
}
