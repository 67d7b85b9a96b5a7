import { pushTo } from '../../bytes/groups';
import { IMAGE_KINDS } from '../../frames/image-kinds';
import { FD_TYPES } from '../../schema/generated/images';
import { describeEntry } from '../describe-entry';
import type { EntryFacts } from '../entry-facts';
import { FileEntryView, typeOfImage } from '../file-entry';
import { entryKey } from '../listing/entry-key';
import { type OnGap, reportEntry, reportSilence } from './gaps';
import type { ImagesByName } from './images-by-name';
import {
  type FileReference,
  type NamedFile,
  nameByPath,
  type Pathless,
  readName,
  TELLING_TYPES,
  unnamedFile,
} from './named-file';

/** More names than these are not kept from one look-up to the next. */
const MAX_KEPT = 1 << 17;

/** Names entries: looks up those that are wanted, many at once, in one pass over the entries, and keeps no other. */
export class FileNames {
  private readonly names = new Map<number, NamedFile>();
  private readonly view = new FileEntryView();
  /** Where the entries are: one image, or one a type. Found out when it is needed. */
  private sources: readonly { readonly name: string; readonly type: number | undefined }[] | undefined;

  constructor(
    private readonly images: ImagesByName,
    private readonly onGap: OnGap,
  ) {}

  /** To be called with all references before `of` is asked for them. Throws FdgraftError. */
  async lookUp(references: Iterable<FileReference>): Promise<void> {
    const all = new Map<number, FileReference>();
    for (const reference of references) all.set(keyOf(reference), reference);
    if (this.names.size + all.size > MAX_KEPT) this.names.clear();
    const wanted = new Map([...all].filter(([, reference]) => !this.has(reference)));
    if (wanted.size === 0) return;
    const pathless = new Map<number, Pathless[]>();
    await this.visit(new Set(wanted.keys()), (view, key) => {
      const name = readName(view);
      if ('path' in name) pushTo(pathless, name.path, name);
      else this.names.set(key, name);
    });
    await this.lookUpPaths(pathless);
    for (const [key, reference] of wanted) {
      if (this.names.has(key)) continue;
      this.names.set(key, unnamedFile(reference));
      reportEntry(reference, this.onGap);
    }
  }

  /** True where there is nothing to look up for it. */
  has(reference: FileReference): boolean {
    return !TELLING_TYPES.has(reference.type) || this.names.has(keyOf(reference));
  }

  of(reference: FileReference): NamedFile {
    return this.names.get(keyOf(reference)) ?? unnamedFile(reference);
  }

  /** A FIFO's path stands before it or behind it, so it costs a pass of its own. */
  private async lookUpPaths(pathless: ReadonlyMap<number, readonly Pathless[]>): Promise<void> {
    if (pathless.size === 0) return;
    await this.visit(new Set(pathless.keys()), (view, key) => {
      const path = factsOfPath(view);
      if (path === undefined) return;
      for (const entry of pathless.get(key) ?? []) this.names.set(keyOf(entry.reference), nameByPath(entry, path));
    });
  }

  /** Visits the entries with these keys. Of several with one key, the first counts. */
  private async visit(keys: Set<number>, take: (view: FileEntryView, key: number) => void): Promise<void> {
    const { view } = this;
    const types = new Set([...keys].map((key) => key % entryKey(1, 0)));
    for (const { name, type } of await this.findSources()) {
      if (type !== undefined && !types.has(type)) continue;
      for await (const batch of this.images.batches(name)) {
        batch.each((bytes, start, end) => {
          if (type === undefined) view.read(bytes, start, end);
          else view.readBare(type, bytes, start, end);
          const key = keyOf(view);
          if (keys.delete(key)) take(view, key);
        });
        if (keys.size === 0) return;
      }
    }
  }

  private async findSources() {
    if (this.sources !== undefined) return this.sources;
    if (await this.images.has('files.img')) this.sources = [{ name: 'files.img', type: undefined }];
    else {
      const candidates = IMAGE_KINDS.flatMap((kind) => {
        const type = typeOfImage(kind);
        return type !== undefined && TELLING_TYPES.has(type) ? [{ name: kind.files[0] as string, type }] : [];
      });
      const found: { name: string; type: number }[] = [];
      for (const candidate of candidates) if (await this.images.has(candidate.name)) found.push(candidate);
      if (found.length === 0) reportSilence('there is no files.img, which says what files are', this.onGap);
      this.sources = found;
    }
    return this.sources;
  }
}

const keyOf = ({ id, type }: FileReference) => entryKey(id, type);

function factsOfPath(view: FileEntryView): EntryFacts | undefined {
  return view.type === FD_TYPES.REG ? describeEntry(view) : undefined;
}
