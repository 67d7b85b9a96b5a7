import { escapeBytes } from '../bytes/escape';
import { shellQuote } from '../bytes/shell-word';
import { fileKind, MAX_KEY_BYTES } from '../checkpoint/entry-facts';
import { entryType, inheritableType } from '../checkpoint/entry-types';
import type { FileEntryView } from '../checkpoint/file-entry';
import { IdSet } from '../checkpoint/id-set';
import {
  EXTERNAL_NAME,
  memfdNameKey,
  pathKey,
  pipeKey,
  socketKey,
  startOfPath,
  terminalKey,
  withoutLeadingSlash,
} from '../checkpoint/key-text';
import type { Memfds } from '../checkpoint/memfds';
import { accessOf } from '../checkpoint/open-flags';
import { unixAddress } from '../checkpoint/socket-types';
import { unixSocketOf } from '../checkpoint/unix-sockets';
import { walk } from '../checkpoint/walk/walk';
import { someOf } from '../errors/some-of';
import { decode, decodeInPlace } from '../schema/decode';
import {
  FD_TYPES,
  MEMFD_FILE_ENTRY_FIELDS,
  PIPE_ENTRY_FIELDS,
  REG_FILE_ENTRY_FIELDS,
  TTY_INFO_ENTRY,
} from '../schema/generated/images';
import type { InheritSpec, Key } from '../specs/spec';
import type { Source } from '../storage/source';
import { FieldCursor } from '../wire/field-cursor';
import { type ExternalKey, hasKey } from './external-keys';
import type { Match } from './match';
import { ComparisonBudget, NearestPaths } from './nearest-paths';
import { NearestSockets } from './nearest-sockets';
import { readOpenIds } from './open-ids';
import type { ResolvedKeys } from './resolve-keys';
import { isCurrentTerminal } from './resolve-terminals';
import type { Survey } from './survey';

/** This many specs are explained; each is compared with every entry. */
/** By their number. */
const STANDARD_NAMES = ['stdin', 'stdout', 'stderr'];
const MAX_EXPLAINED = 10;
/** A spec gets this many suggestions at most. */
const MAX_SUGGESTIONS = 3;
/** Paths of terminals; those that were dumped with --external have none. */
const PATH_OF_TERMINAL = /^dev\/(?:pts\/|tty|console$)/;
/** The pipes, external files or namespaces that there are get named where they are no more than these. */
const MAX_FEW = 10;

export interface Unmatched {
  readonly text: string;
  /** What may have been meant, a sentence each. */
  readonly near: readonly string[];
}

/** What a rewrite or a list knows when specs have matched nothing. */
export interface Known {
  readonly found: Survey;
  readonly specs: readonly InheritSpec[];
  readonly resolved: ResolvedKeys;
  /** Keys of external namespaces and mounts. */
  readonly keys: readonly ExternalKey[];
}

/** Reads the images once more and tells of each spec (by number) that matched nothing what comes close to it. */
export async function explainUnmatched(
  source: Source,
  known: Known,
  unmatched: readonly number[],
  signal?: AbortSignal,
): Promise<Unmatched[]> {
  const explainers = new Map(
    unmatched.slice(0, MAX_EXPLAINED).map((number) => [number, new Explainer(number, known)] as const),
  );
  await compareWithEntries(source, known.found.memfds, [...explainers.values()], signal);
  for (const explainer of explainers.values()) explainer.explainNotOpen();
  return unmatched.map((number) => ({
    text: (known.specs[number] as InheritSpec).text,
    near: explainers.get(number)?.near() ?? [],
  }));
}

/** Shows every open entry to those who have something to look for. */
async function compareWithEntries(
  source: Source,
  memfds: Memfds,
  explainers: readonly Explainer[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const compared = explainers.filter(({ comparesEntries }) => comparesEntries);
  if (compared.length === 0) return;
  const open = await readOpenIds(source, signal);
  const seenMemfds = new IdSet();
  const see = (view: FileEntryView) => {
    if (view.member === 0) return;
    if (view.type === FD_TYPES.REG) {
      const file = readFile(view, open);
      if (file !== undefined) for (const explainer of compared) explainer.seeFile(view, file);
    } else if (view.type === FD_TYPES.PIPE) {
      if (open.has(view.id)) for (const explainer of compared) explainer.seePipe(view);
    } else {
      for (const explainer of compared) explainer.seeOther(view);
      if (!open.has(view.id)) return;
      const socket = readSocket(view);
      if (socket !== undefined) for (const explainer of compared) explainer.seeSocket(socket);
      const inode = view.type === FD_TYPES.MEMFD ? readNumber(view, MEMFD_FILE_ENTRY_FIELDS.inode_id) : undefined;
      const name = inode !== undefined && seenMemfds.add(inode) ? memfds.of(inode)?.name : undefined;
      if (name !== undefined) for (const explainer of compared) explainer.seeMemfd(Buffer.from(name, 'latin1'));
    }
  };
  await walk(source, [{ entry: see }], signal);
  const byTerminal = compared.filter(({ comparesTerminals }) => comparesTerminals);
  if (byTerminal.length > 0) await compareWithTerminals(source, byTerminal, signal);
}

/** Shows the keys of all terminals, which tty-info.img alone has. */
async function compareWithTerminals(
  source: Source,
  explainers: readonly Explainer[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const terminal = (bytes: Uint8Array, start: number, end: number) => {
    const { rdev, dev } = decode(TTY_INFO_ENTRY, bytes, start, end);
    for (const explainer of explainers) explainer.seeTerminal(terminalKey(rdev, dev ?? 0));
  };
  await walk(source, [{ terminal }], signal);
}

interface SeenSocket {
  /** The best first. */
  readonly keys: readonly string[];
  /** The path that it can be named by. */
  readonly path: Buffer | undefined;
}

/** A socket that a spec could name by its name, address or inode; undefined for anything else. */
function readSocket(view: FileEntryView): SeenSocket | undefined {
  const type = inheritableType(view);
  if (type?.keys === undefined || type.numbered?.kind !== 'socket') return undefined;
  const keys = type.keys(decodeInPlace(type.schema, view.bytes, view.start, view.end) as never);
  const unix = keys[0]?.startsWith('/') ? unixSocketOf(view) : undefined;
  return { keys, path: unix && unixAddress(unix) };
}

interface SeenFile {
  readonly nameStart: number;
  readonly nameEnd: number;
  readonly isExternal: boolean;
}

/** A regular file that a spec could name; undefined where it is none, or nothing refers to it but mappings and the like. */
function readFile({ id, bytes, start, end }: FileEntryView, open: IdSet): SeenFile | undefined {
  const fields = REG_FILE_ENTRY_FIELDS;
  const cursor = new FieldCursor().over(bytes, start, end);
  let [nameStart, nameEnd] = [0, 0];
  let mode: number | undefined;
  let isExternal = false;
  while (cursor.next()) {
    if (cursor.number === fields.name) [nameStart, nameEnd] = [cursor.valueStart, cursor.end];
    else if (cursor.number === fields.ext) isExternal = cursor.uint64AsNumber() !== 0;
    else if (cursor.number === fields.mode) mode = cursor.uint32();
  }
  if (nameEnd - nameStart > MAX_KEY_BYTES) return undefined;
  const kind = fileKind(mode === undefined ? {} : { mode });
  // The descriptors of a FIFO refer to another entry than the one with its path.
  if (kind === 'directory' || (!open.has(id) && kind !== 'fifo')) return undefined;
  return { nameStart, nameEnd, isExternal };
}

/** Gathers what comes close to one spec. */
class Explainer {
  private readonly spec: InheritSpec;
  private readonly suggestions: string[] = [];
  private readonly nearest: NearestPaths | undefined;
  private readonly pipes = new Set<number>();
  private readonly nearestSockets: NearestSockets | undefined;
  private readonly sockets = new Set<string>();
  private readonly nearestMemfds: NearestPaths | undefined;
  private readonly memfdNames = new Set<string>();
  private readonly externals = new Set<string>();
  private readonly terminals = new Set<string>();
  private readonly notOpen: readonly Match[];

  constructor(
    number: number,
    private readonly known: Known,
  ) {
    this.spec = known.specs[number] as InheritSpec;
    const { key } = this.spec;
    const why = known.resolved.explain(number);
    if (why !== undefined) this.suggest(why);
    this.notOpen = known.found.notOpen.filter(({ specs }) => specs.includes(number));
    if (key.kind === 'path' && this.notOpen.length === 0) {
      this.nearest = new NearestPaths(key.path, new ComparisonBudget());
    }
    if (key.kind === 'socket') this.nearestSockets = new NearestSockets(key.name);
    if (key.kind === 'memfd')
      this.nearestMemfds = new NearestPaths(Buffer.from(key.name, 'latin1'), new ComparisonBudget());
    this.suggestPipe();
    this.suggestDescriptor();
    this.suggestKeys();
  }

  get comparesEntries(): boolean {
    return this.spec.key.kind !== 'descriptor';
  }

  get comparesTerminals(): boolean {
    const { key } = this;
    return key.kind === 'terminal' || (key.kind === 'path' && PATH_OF_TERMINAL.test(key.path.toString('latin1')));
  }

  private suggest(text: string): void {
    if (this.suggestions.length < MAX_SUGGESTIONS) this.suggestions.push(text);
  }

  private get key(): Key {
    return this.spec.key;
  }

  /** The number of a pipe, written otherwise. */
  private suggestPipe(): void {
    const number = /^pipe\W*(\d{1,10})\W*$/.exec(this.spec.keyText)?.[1];
    if (this.key.kind !== 'pipe' && number !== undefined) this.suggest(`did you mean ${pipeKey(Number(number))}?`);
  }

  /** The name or number of a descriptor alone. */
  private suggestDescriptor(): void {
    if (this.key.kind !== 'path') return;
    const name = this.spec.keyText;
    const named = STANDARD_NAMES.indexOf(name.toLowerCase());
    const number = named < 0 ? /^(?:fd\W*)?(\d{1,3})\W*$/i.exec(name)?.[1] : String(named);
    if (number !== undefined)
      this.suggest(`did you mean /proc/*/fd/${Number(number)}? It names descriptor ${Number(number)} of every task`);
  }

  /** Keys of external namespaces and mounts. */
  private suggestKeys(): void {
    const { spec, known } = this;
    const own = known.keys.find((key) => hasKey(spec, key));
    if (own !== undefined) {
      const { what, image } = own;
      const key = escapeBytes(own.key);
      const remedy =
        what === 'mount'
          ? `criu restore --external ${shellQuote(`mnt[${key}]:PATH`)} takes it`
          : 'criu restore --inherit-fd takes it itself: leave it out here';
      this.suggest(`${key} is the key of an external ${what} (${image}); ${remedy}`);
      return;
    }
    if (!/^ext[A-Z]\w*$/.test(spec.keyText)) return;
    const namespaces = known.keys.filter(({ what }) => what !== 'mount');
    const named = namespaces.map(({ key, what, image }) => `${escapeBytes(key)} of the ${what} (${image})`);
    this.suggest(
      named.length === 0
        ? 'no namespace of the checkpoint is external: no image has an ext_key'
        : `the keys of external namespaces are: ${someOf(named)}`,
    );
  }

  seeTerminal(key: string): void {
    if (this.terminals.size <= MAX_FEW) this.terminals.add(key);
  }

  seeFile({ bytes }: FileEntryView, { nameStart, nameEnd, isExternal }: SeenFile): void {
    if (!isExternal) {
      this.nearest?.see(bytes, startOfPath(bytes, nameStart, nameEnd), nameEnd);
      return;
    }
    if (this.key.kind !== 'external' || this.externals.size > MAX_FEW) return;
    const name = escapeBytes(bytes.subarray(nameStart, nameEnd));
    const inode = this.key.name.replace(/^.*:/, '');
    if (name.endsWith(`:${inode}`)) this.suggest(`did you mean ${name}? It has the same inode`);
    if (EXTERNAL_NAME.test(name)) this.externals.add(name);
  }

  seeSocket({ keys: [first = '', ...others], path }: SeenSocket): void {
    if (path !== undefined) {
      const plain = withoutLeadingSlash(path);
      this.nearest?.see(plain, 0, plain.length);
    }
    this.nearestSockets?.see([first, ...others]);
    if (this.key.kind === 'socket' && this.sockets.size <= MAX_FEW) this.sockets.add(first);
  }

  seeMemfd(name: Buffer): void {
    this.nearestMemfds?.see(name, 0, name.length);
    if (this.memfdNames.size <= MAX_FEW) this.memfdNames.add(memfdNameKey(name));
  }

  seePipe(view: FileEntryView): void {
    const { key } = this;
    if (key.kind === 'socket') this.seePipeOfNumber(view, key.name);
    if (key.kind === 'path' && /^\d{1,10}$/.test(this.spec.keyText))
      this.seePipeOfNumber(view, socketKey(Number(this.spec.keyText)));
    if (key.kind !== 'pipe') return;
    const pipe = readNumber(view, PIPE_ENTRY_FIELDS.pipe_id);
    if (pipe === undefined) return;
    if (pipe === key.id) {
      const { read } = accessOf(readNumber(view, PIPE_ENTRY_FIELDS.flags) ?? 0);
      const other = pipeKey(pipe, read ? 'read' : 'write');
      const text = `pipe:[${pipe}] has no ${key.end} end in the checkpoint; did you mean ${other}?`;
      if (!this.suggestions.includes(text)) this.suggest(text);
    } else if (pipe === Number.parseInt(String(key.id), 16)) {
      const text = `did you mean ${pipeKey(pipe, key.end)}? ${key.id} is that number in hexadecimal`;
      if (!this.suggestions.includes(text)) this.suggest(text);
    }
    if (this.pipes.size <= MAX_FEW) this.pipes.add(pipe);
  }

  /** A pipe that has the number of a socket's key. */
  private seePipeOfNumber(view: FileEntryView, key: string): void {
    const number = readNumber(view, PIPE_ENTRY_FIELDS.pipe_id);
    if (number === undefined || key !== socketKey(number)) return;
    const text = `did you mean ${pipeKey(number)}? ${number} is the number of a pipe`;
    if (!this.suggestions.includes(text)) this.suggest(text);
  }

  /** Whether the number of a pipe is that of something else. */
  seeOther(view: FileEntryView): void {
    if (this.key.kind !== 'pipe') return;
    const type = entryType(view.type);
    const numbered = type?.numbered;
    // Pipes and sockets are known to users by their inodes.
    if (numbered === undefined || !['pipe', 'socket'].includes(numbered.kind)) return;
    if (readNumber(view, numbered.field) !== this.key.id) return;
    const isNamed = numbered.kind === 'socket' && type?.inherit?.keys !== undefined;
    const hint = isNamed ? `; did you mean ${socketKey(this.key.id)}?` : '';
    const text = `${this.key.id} is the number of ${type?.what} (${type?.name})${hint}`;
    if (!this.suggestions.includes(text)) this.suggest(text);
  }

  /** Entries that the spec names, and that no descriptor refers to. */
  explainNotOpen(): void {
    const { found } = this.known;
    if (this.known.resolved.currentTerminals.size > 0 && isCurrentTerminal(this.key)) {
      this.suggest(
        '/dev/tty is open, and the terminal of its session is not in the checkpoint; its descriptors have keys /proc/PID/fd/N',
      );
      return;
    }
    for (const { facts, id } of this.notOpen.slice(0, MAX_SUGGESTIONS)) {
      const remapped = found.remaps.some(({ linkedId }) => linkedId === id);
      const otherReferences = [
        ...(found.otherReferences.get(id) ?? []),
        ...(remapped ? ['the stand-in for a removed file'] : []),
      ];
      const as = otherReferences.length === 0 ? '' : `, only as ${otherReferences.join(', ')}`;
      this.suggest(`${facts.key} is there${as}, but no descriptor refers to it`);
    }
  }

  near(): string[] {
    for (const path of this.nearest?.found() ?? []) this.suggest(`did you mean ${pathKey(path)}?`);
    for (const name of this.nearestMemfds?.found() ?? []) this.suggest(`did you mean ${memfdNameKey(name)}?`);
    for (const key of this.nearestSockets?.found() ?? []) this.suggest(`did you mean ${key}?`);
    if (this.key.kind === 'socket' && this.suggestions.length === 0) this.suggestThere('socket', [...this.sockets]);
    if (this.key.kind === 'memfd' && this.suggestions.length === 0) this.suggestThere('memfd', [...this.memfdNames]);
    if (
      this.comparesTerminals &&
      this.suggestions.length === 0 &&
      (this.key.kind === 'terminal' || this.terminals.size > 0)
    )
      this.suggestThere('terminal', [...this.terminals]);
    if (this.key.kind === 'pipe' && this.suggestions.length === 0)
      this.suggestThere(
        'pipe',
        [...this.pipes].map((id) => pipeKey(id)),
      );
    if (this.key.kind === 'external' && this.suggestions.length === 0) {
      this.suggestThere('external file', [...this.externals]);
    }
    return this.suggestions;
  }

  private suggestThere(what: string, names: readonly string[]): void {
    if (names.length === 0) this.suggest(`no ${what} is open in the checkpoint`);
    else if (names.length <= MAX_FEW) this.suggest(`there ${names.length === 1 ? 'is' : 'are'} ${names.join(', ')}`);
  }
}

function readNumber(view: FileEntryView, field: number): number | undefined {
  let number: number | undefined;
  const cursor = new FieldCursor().over(view.bytes, view.start, view.end);
  while (cursor.next()) if (cursor.number === field) number = cursor.uint32();
  return number;
}
