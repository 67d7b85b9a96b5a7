import { messages } from '../errors/messages';
import { DESCRIPTOR_LIST, specsOfList } from '../specs/descriptor-list';
import type { SpecOptions } from '../specs/spec';
import { openFile } from '../storage/single-file';
import type { MemberReader, Source } from '../storage/source';

/** Far above three names. */
const MAX_LIST_BYTES = 1 << 20;
/** Some hundred thousand specs. */
const MAX_FILE_BYTES = 64 << 20;

/** The specs in a file: see schemas/specs.schema.json. Throws FdgraftError (SPEC_FILE, SYSTEM). */
export async function readSpecs(file: string, signal?: AbortSignal): Promise<SpecOptions[]> {
  return readSpecsFrom(openFile(file, signal), file);
}

/** The same of what a reader gives, which is closed then. `name`: how messages name it. */
export async function readSpecsFrom(reader: MemberReader, name: string): Promise<SpecOptions[]> {
  try {
    const text = await readAtMost(reader, MAX_FILE_BYTES);
    if (text === undefined) {
      const problem = `is larger than ${MAX_FILE_BYTES} bytes`;
      throw messages.specFile(name, undefined, problem, 'globs and /proc/*/fd/N name many entries with one spec');
    }
    // Loaded only here: most rewrites have no such file.
    const { parseSpecFile } = await import('../specs/spec-file');
    return parseSpecFile(name, text);
  } finally {
    await reader.close();
  }
}

/** The specs that a container runtime would make of the source's descriptors.json. Throws FdgraftError. */
export async function readDescriptorList(source: Source): Promise<SpecOptions[]> {
  for await (const member of source.members()) {
    if (member.name.toString('latin1') !== DESCRIPTOR_LIST) continue;
    const reader = await member.open();
    try {
      const text = await readAtMost(reader, MAX_LIST_BYTES);
      if (text === undefined)
        throw messages.noDescriptorList(DESCRIPTOR_LIST, `is larger than ${MAX_LIST_BYTES} bytes`);
      const specs = specsOfList(text);
      if (specs === undefined) throw messages.noDescriptorList(DESCRIPTOR_LIST, 'is not a list of strings as JSON');
      return specs;
    } finally {
      await reader.close();
    }
  }
  throw messages.noDescriptorList(source.label, `has no ${DESCRIPTOR_LIST}`);
}

/** The whole content as text; undefined where it is longer. */
async function readAtMost(reader: Pick<MemberReader, 'read'>, limit: number): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for (;;) {
    const chunk = Buffer.alloc(1 << 16);
    const got = await reader.read(chunk, 0, chunk.length);
    if (got === 0) return Buffer.concat(chunks).toString('utf8');
    length += got;
    if (length > limit) return undefined;
    chunks.push(chunk.subarray(0, got));
  }
}
